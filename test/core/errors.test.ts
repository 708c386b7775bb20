import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../src/core/errors.ts';

describe('how long to wait', () => {
  it.each([
    { 'retry-after': '86400' },
    { 'retry-after-ms': '9e12' },
    { 'retry-after': 'Fri, 31 Dec 2100 23:59:59 GMT' },
  ])('is what the service asks for, up to a minute: %j', headers => {
    const error = Anthropic.APIError.generate(429, undefined, 'busy', new Headers(headers));
    expect(failureOf(error)).toMatchObject({ type: 'retry', afterMs: 60_000 });
  });
});
