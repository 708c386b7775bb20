import { describe, expect, it } from 'vitest';
import type { Table } from '../../src/core/state/state.ts';
import { keepRecord, type TurnRecord } from '../../src/core/turn/turn-record.ts';

const begun = (): TurnRecord => ({
  entries: ['m1'],
  sessionId: null,
  sentId: null,
  handle: null,
  replied: null,
});

/** A store with several connections: each write takes effect when it is told to, in whatever order. */
function createSlowTable() {
  const rows = new Map<string, TurnRecord>();
  const waiting: (() => void)[] = [];
  const later = (effect: () => void) =>
    new Promise<void>(resolve => {
      waiting.push(() => {
        effect();
        resolve();
      });
    });
  const table: Pick<Table<TurnRecord>, 'set' | 'delete'> = {
    set(key, value) {
      const written = structuredClone(value);
      return later(() => rows.set(key, written));
    },
    async delete(key) {
      await later(() => rows.delete(key));
      return true;
    },
  };
  /** The newest first, until there is nothing left to carry out. */
  async function carryOut(): Promise<void> {
    for (let idle = 0; idle < 5; idle += 1) {
      const work = waiting.pop();
      work?.();
      if (work !== undefined) idle = 0;
      await Promise.resolve();
    }
  }
  return { table: table as Table<TurnRecord>, rows, carryOut };
}

describe('the record of a turn', () => {
  it('holds the session when the reply was begun at the same moment, whichever write the store carries out first', async () => {
    const { table, rows, carryOut } = createSlowTable();
    const record = begun();
    const kept = keepRecord(table, 'c1', record, () => {});
    record.handle = { ts: '1.0' };
    const first = kept.save();
    record.sessionId = 'sesn_1';
    const second = kept.save();
    await carryOut();
    await Promise.all([first, second]);
    expect(rows.get('c1')).toMatchObject({ sessionId: 'sesn_1', handle: { ts: '1.0' } });
  });

  it('is not written once more to be sure that it is', async () => {
    const { table, rows, carryOut } = createSlowTable();
    const record = begun();
    const kept = keepRecord(table, 'c1', record, () => {});
    record.handle = { ts: '1.0' };
    const first = kept.save();
    let sure = false;
    const saved = kept.saved().then(() => {
      sure = true;
    });
    await Promise.resolve();
    expect(sure).toBe(false);
    await carryOut();
    await Promise.all([first, saved]);
    rows.clear();
    await kept.saved();
    await carryOut();
    expect(rows.size).toBe(0);
  });

  it('is written to be sure that it is, where nothing has written it or that failed', async () => {
    const { table, rows, carryOut } = createSlowTable();
    const full = { ...table, set: () => Promise.reject(new Error('disk full')) };
    let target: Table<TurnRecord> = full;
    const either = { ...table, set: (...row: Parameters<typeof table.set>) => target.set(...row) };
    const kept = keepRecord(either, 'c1', begun(), () => {});
    await expect(kept.saved()).rejects.toThrow('disk full');
    target = table;
    const saved = kept.saved();
    await carryOut();
    await saved;
    expect(rows.size).toBe(1);
  });

  it('stays removed when a platform answers late', async () => {
    const { table, rows, carryOut } = createSlowTable();
    const record = begun();
    const kept = keepRecord(table, 'c1', record, () => {});
    const saving = kept.save();
    const removing = kept.remove();
    const late = kept.save();
    await carryOut();
    await Promise.all([saving, removing, late]);
    expect(rows.size).toBe(0);
  });

  it('is not written once another process may be answering', async () => {
    const { table, rows, carryOut } = createSlowTable();
    let held = true;
    const kept = keepRecord(table, 'c1', begun(), () => {
      if (!held) throw new Error('lost');
    });
    const first = kept.save();
    const second = kept.save();
    held = false;
    await Promise.all([carryOut(), expect(second).rejects.toThrow('lost')]);
    await first.catch(() => {});
    expect(rows.size).toBe(0);
    await expect(kept.save()).rejects.toThrow('lost');
  });
});
