import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { failureOf, operatorSentence } from '../../src/core/errors.ts';

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

describe('the sentence an operator reads', () => {
  it.each([
    Anthropic.APIError.generate(401, undefined, 'no', new Headers()),
    Anthropic.APIError.generate(403, undefined, 'no', new Headers()),
    Anthropic.APIError.generate(402, undefined, 'no', new Headers()),
    Anthropic.APIError.generate(529, undefined, 'busy', new Headers()),
    new Anthropic.APIConnectionError({ message: 'gone' }),
    new Error('cannot ask https://bot:hunter22@gateway.example/agents?key=hunter22'),
  ])('names the address without what is secret in it (%s)', error => {
    const said = operatorSentence(error, 'https://bot:hunter22@gateway.example/agents?key=hunter22');
    expect(said).toContain('https://gateway.example/agents');
    expect(said).not.toContain('hunter22');
  });
});
