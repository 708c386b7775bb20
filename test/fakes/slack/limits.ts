// Slack's numbers, each with where it comes from; a test may lower or raise one. Documented ones are from
// docs.slack.dev (the method pages, reference/block-kit, surfaces/modals, apis/events-api, authentication/
// using-token-rotation). Measured ones say so: Slack publishes no figure for them.

export interface Limits {
  /** chat.postMessage `text`: cut off here with the warning message_truncated (changelog 2018-04). */
  text: number;
  /** chat.update `text`: msg_too_long above (chat.update method page). */
  updateText: number;
  /** chat.postEphemeral `text`: msg_too_long is documented, the figure is not; taken as for chat.update. */
  ephemeralText: number;
  /** `markdown_text` of one call, one markdown_text chunk, one markdown block. */
  markdownText: number;
  /** Messages of a page of conversations.replies and history; 15 for an app sold outside the Marketplace (method pages). */
  messagePage: number;
  messageBlocks: number;
  /** All text in the blocks of one message; measured at about 13,200 (slackapi/bolt-js issue 2509). */
  messageBlocksText: number;
  viewBlocks: number;
  viewBytes: number;
  privateMetadata: number;
  /** Streams end this long after they start, also while text keeps coming (node-slack-sdk issue 2702). */
  streamLifetimeMs: number;
  /**
   * UTF-8 bytes one streamed message holds, beyond which msg_too_long. Measured: 11,977 of plain text went
   * through (CopilotKit issue 6063); with fifty task cards 10,571 did and 10,821 did not, details and output
   * counting twice (openclaw pull request 143882).
   */
  streamBytes: number;
  /** What each task card adds to `streamBytes` besides its words; fitted to the same measurement. */
  streamTaskBytes: number;
  /** assistant.threads.setStatus clears itself after two minutes (its method page). */
  statusMs: number;
  triggerMs: number;
  viewStack: number;
  responseUses: number;
  responseMs: number;
  /** Acknowledge within three seconds, on both transports. */
  ackMs: number;
  /** Waiting times before the first, second and third retry of an event. */
  retriesMs: readonly number[];
  socketConnections: number;
  /** Between a socket's warning and its disconnection (apis/events-api/using-socket-mode: about ten seconds). */
  socketWarningMs: number;
  tokenLifetimeMs: number;
  codeLifetimeMs: number;
}

export const SLACK_LIMITS: Limits = {
  text: 40_000,
  updateText: 4_000,
  ephemeralText: 4_000,
  markdownText: 12_000,
  messagePage: 1_000,
  messageBlocks: 50,
  messageBlocksText: 13_200,
  viewBlocks: 100,
  viewBytes: 250_000,
  privateMetadata: 3_000,
  streamLifetimeMs: 5 * 60_000,
  streamBytes: 12_000,
  streamTaskBytes: 24,
  statusMs: 2 * 60_000,
  triggerMs: 3_000,
  viewStack: 3,
  responseUses: 5,
  responseMs: 30 * 60_000,
  ackMs: 3_000,
  retriesMs: [0, 60_000, 5 * 60_000],
  socketConnections: 10,
  socketWarningMs: 10_000,
  tokenLifetimeMs: 12 * 60 * 60_000,
  codeLifetimeMs: 10 * 60_000,
};
