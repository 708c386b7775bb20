// views.open, views.push, views.update, views.publish (docs.slack.dev/reference/methods; errors of those pages).

import { z } from 'zod';
import { knows } from '../access.ts';
import type { Trigger } from '../interactions.ts';
import { ApiError, type BotCall, botMethod, json, type Method, name, optional } from '../method.ts';
import { changeView, checkView, createView, findView, openModal, pushModal, viewObject } from '../modals.ts';
import type { Json } from '../world.ts';

const view = json(z.record(z.string(), z.unknown()));
const triggered = { trigger_id: optional, interactivity_pointer: optional };

function exchange(
  call: BotCall,
  args: { trigger_id?: string | undefined; interactivity_pointer?: string | undefined },
): Trigger {
  const id = args.trigger_id ?? args.interactivity_pointer;
  if (id === undefined) {
    throw new ApiError('invalid_arguments', {
      response_metadata: { messages: ['[ERROR] missing required field: trigger_id'] },
    });
  }
  return call.core.interactions.exchange(call, id);
}

const open = botMethod({
  name: 'views.open',
  tier: 4,
  args: z.object({ ...triggered, view }),
  run(call, args): Json {
    const { core, installation } = call;
    checkView(core, args.view, ['modal']);
    const { user } = exchange(call, args);
    const opened = createView(core, installation, user, args.view);
    openModal(core, opened);
    return { view: viewObject(core, opened) };
  },
});

const push = botMethod({
  name: 'views.push',
  tier: 4,
  args: z.object({ ...triggered, view }),
  run(call, args): Json {
    const { core, installation } = call;
    checkView(core, args.view, ['modal']);
    const trigger = exchange(call, args);
    const below = core.world.modals.get(trigger.user.id)?.at(-1);
    // Only something inside an open modal can push another one onto it.
    if (trigger.view === undefined || below === undefined) throw new ApiError('not_found');
    const pushed = createView(core, installation, trigger.user, args.view, below);
    pushModal(core, pushed);
    return { view: viewObject(core, pushed) };
  },
});

const update = botMethod({
  name: 'views.update',
  tier: 4,
  args: z.object({ view_id: optional, external_id: optional, hash: optional, view }),
  run({ core, installation }, args): Json {
    const id = args.view_id ?? args.external_id;
    if (id === undefined) {
      throw new ApiError('invalid_arguments', {
        response_metadata: { messages: ['[ERROR] missing required field: view_id'] },
      });
    }
    checkView(core, args.view, ['modal', 'home']);
    const found = findView(core, installation, id);
    if (found === undefined) throw new ApiError('not_found');
    changeView(core, found, args.view, args.hash);
    return { view: viewObject(core, found) };
  },
});

const publish = botMethod({
  name: 'views.publish',
  tier: 4,
  args: z.object({ user_id: name, hash: optional, interactivity_pointer: optional, view }),
  run({ core, installation }, args): Json {
    if (!core.app.homeTab) throw new ApiError('not_enabled');
    const user = core.world.people.get(args.user_id);
    if (user === undefined || user.botId !== undefined || !knows(core, installation, user)) {
      throw new ApiError('invalid_arguments', {
        response_metadata: { messages: ['[ERROR] invalid `user_id`'] },
      });
    }
    checkView(core, args.view, ['home']);
    const present = core.world.homes.get(user.id);
    if (present !== undefined) {
      changeView(core, present, args.view, args.hash);
      return { view: viewObject(core, present) };
    }
    const published = createView(core, installation, user, args.view);
    core.world.homes.set(user.id, published);
    return { view: viewObject(core, published) };
  },
});

export const viewMethods: readonly Method[] = [open, push, update, publish];
