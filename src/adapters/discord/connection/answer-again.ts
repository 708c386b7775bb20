import { type REST, RESTJSONErrorCodes } from 'discord.js';
import { codeOf, mayPass } from './api.ts';

const ATTEMPTS = 3;

/**
 * Interactions are answered within three seconds or never, and discord.js tries again only some of what a broken
 * connection breaks. To send the first answer or an edit again does no harm: of the first Discord says that it has it,
 * which can only be ours, as one process alone is given an interaction.
 */
export function answerAgain(rest: REST): void {
  const queue = rest.queueRequest.bind(rest);
  rest.queueRequest = async request => {
    const isFirst = request.fullRoute.endsWith('/callback');
    const attempts = isFirst || request.method === 'PATCH' ? ATTEMPTS : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await queue(request);
      } catch (error) {
        if (isFirst && codeOf(error) === RESTJSONErrorCodes.InteractionHasAlreadyBeenAcknowledged) {
          return new Response(null, { status: 204 });
        }
        if (attempt === attempts || !mayPass(error)) throw error;
      }
    }
  };
}
