import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Message } from '../../src/core/message.ts';
import { createInbox } from '../../src/core/queue/inbox.ts';
import { createRescue } from '../../src/core/queue/rescue.ts';
import { openSqliteState } from '../../src/core/state/sqlite.ts';
import type { State } from '../../src/core/state/state.ts';
import { createLog } from '../../src/log.ts';
import { temporaryFolder } from '../helpers/cli.ts';
import { createRecordingAdapter } from '../helpers/recording-adapter.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let state: State;
beforeEach(async () => {
  folder = await temporaryFolder();
  state = await openSqliteState(folder.path);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await state.close();
  await folder.remove();
});

const adapter = createRecordingAdapter();
const from = (user: string): Message => adapter.message('hi', { user });

/** Each is resolved when the rescue has looked so often. */
function looks() {
  const waiting: (() => void)[] = [];
  const { ticket } = state;
  state.ticket = async () => {
    const drawn = await ticket();
    waiting.shift()?.();
    return drawn;
  };
  return async () => {
    const looked = new Promise<void>(resolve => waiting.push(resolve));
    vi.advanceTimersByTime(20_000);
    await looked;
  };
}

it('what waits since the look before is woken, whatever the clock of the process that accepted it said', async () => {
  const woken: string[] = [];
  const inbox = createInbox(state);
  const rescue = createRescue({
    state,
    inbox,
    adapterOf: () => adapter,
    wake: conversation => woken.push(conversation),
    log: createLog('silent'),
  });
  await createInbox(state, () => Date.now() + 3600_000).accept(from('ann'));
  const look = looks();
  rescue.begin();
  await look();
  await inbox.accept(from('ben'));
  await look();
  await vi.waitFor(() => expect(woken).toEqual(['test/W1/ann/D1/']));
  await look();
  await vi.waitFor(() => expect(woken).toEqual(['test/W1/ann/D1/', 'test/W1/ann/D1/', 'test/W1/ben/D1/']));
  rescue.stop();
});
