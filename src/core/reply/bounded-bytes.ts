import { PersonError } from '../errors.ts';

/** Of one attachment, on any platform. */
const MAX_ATTACHMENT_BYTES = 25_000_000;

/** All of a download's body. Rejects with a sentence for the person when it is too large, having read no more of it. */
export async function readAttachment(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_ATTACHMENT_BYTES) {
      throw new PersonError(`it is larger than ${MAX_ATTACHMENT_BYTES / 1_000_000} MB.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
