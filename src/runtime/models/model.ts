import { givenIn } from '../../given.ts';
import type { Model } from '../ports.ts';
import { createMessagesModel } from './messages.ts';
import { createOfflineModel } from './offline.ts';

export interface ModelEnv {
  MODEL_BASE_URL?: string | undefined;
  MODEL_API_KEY?: string | undefined;
  MODEL?: string | undefined;
}

/**
 * The model the local runtime asks: an Anthropic-compatible Messages endpoint when an address or a key is set (a
 * key alone means Anthropic itself), else the built-in offline model. Throws a `ModelSettingsError` when MODEL_BASE_URL is not a URL.
 */
export function createModel(env: ModelEnv): Model {
  const { MODEL_BASE_URL: baseUrl, MODEL_API_KEY: apiKey, MODEL: model } = givenIn({ ...env });
  if (baseUrl === undefined && apiKey === undefined) return createOfflineModel();
  return createMessagesModel({
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(model === undefined ? {} : { model }),
  });
}
