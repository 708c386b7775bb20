/** What a memory store holds (docs on memory, Sep 2026). */

/** Content of one memory, in bytes of UTF-8. */
export const MAX_MEMORY_BYTES = 102_400;
export const MAX_MEMORIES = 10_000;
