import { pause } from '../../../core/patience.ts';
import { RetryLater } from '../../../core/reply/paced.ts';

/** Does it again as long as it may still succeed. Rejects with the last RetryLater once `signal` aborts. */
export async function retryLater<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RetryLater) || signal.aborted) throw error;
      await pause(error.afterMs, signal);
    }
  }
}
