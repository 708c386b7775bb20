import { createLocalDispatcher } from '../../src/core/queue/dispatcher.ts';
import { dispatcherContract } from './contracts/dispatcher.ts';

dispatcherContract('in one process', createLocalDispatcher);
