// Answers to interactions and the messages behind an interaction's token (Discord's
// interactions/receiving-and-responding). The token in the path authorises the call, and neither the callback
// nor the follow-ups count against the global limit.

import {
  answerInteraction,
  answerMessage,
  deleteAnswer,
  editAnswer,
  followUp,
  liveInteraction,
} from '../interactions.ts';
import { messagePayload } from '../message-payload.ts';
import { type ApiRequest, bucket, type Route } from '../router.ts';

const WEBHOOK_BUCKET = bucket('interaction webhook', 5, 2);

export const interactionRoutes: Route[] = [
  {
    method: 'POST',
    path: '/interactions/:interaction/:token/callback',
    auth: 'token',
    bucket: null,
    handle({ kernel, id, body, files, query }) {
      const answer = answerInteraction(kernel, id('interaction'), id('token'), body, files);
      return query.get('with_response') === 'true' ? { status: 200, body: answer } : { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/webhooks/:application/:token',
    auth: 'token',
    bucket: WEBHOOK_BUCKET,
    handle(request) {
      const { kernel, body, files } = request;
      const message = followUp(kernel, interactionOf(request), body, files);
      return { status: 200, body: messagePayload(kernel, message, true) };
    },
  },
  {
    method: 'GET',
    path: '/webhooks/:application/:token/messages/:message',
    auth: 'token',
    bucket: WEBHOOK_BUCKET,
    handle(request) {
      const message = answerMessage(request.kernel, interactionOf(request), request.id('message'));
      return { status: 200, body: messagePayload(request.kernel, message, true) };
    },
  },
  {
    method: 'PATCH',
    path: '/webhooks/:application/:token/messages/:message',
    auth: 'token',
    bucket: WEBHOOK_BUCKET,
    handle(request) {
      const { kernel, body, files, id } = request;
      const message = editAnswer(kernel, interactionOf(request), id('message'), body, files);
      return { status: 200, body: messagePayload(kernel, message, true) };
    },
  },
  {
    method: 'DELETE',
    path: '/webhooks/:application/:token/messages/:message',
    auth: 'token',
    bucket: WEBHOOK_BUCKET,
    handle(request) {
      deleteAnswer(request.kernel, interactionOf(request), request.id('message'));
      return { status: 204 };
    },
  },
];

function interactionOf({ kernel, id }: ApiRequest) {
  return liveInteraction(kernel, id('application'), id('token'));
}
