// Errors in the shape of Discord's HTTP API: a status, a numeric code and a message, and for a malformed
// body the tree of `_errors` (docs, "Error Messages" in the reference; codes in topics/opcodes-and-status-codes).

export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  readonly errors: ErrorTree | undefined;
  readonly extra: Record<string, unknown> | undefined;

  constructor(
    status: number,
    code: number,
    message: string,
    more: { errors?: ErrorTree; extra?: Record<string, unknown> } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.errors = more.errors;
    this.extra = more.extra;
  }

  toBody(): Record<string, unknown> {
    return {
      message: this.message,
      code: this.code,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
      ...this.extra,
    };
  }
}

export type ErrorTree = { [key: string]: ErrorTree | { code: string; message: string }[] };

export const unauthorized = () => new ApiError(401, 0, '401: Unauthorized');
export const unknownRoute = () => new ApiError(404, 0, '404: Not Found');
export const unknownChannel = () => new ApiError(404, 10003, 'Unknown Channel');
export const unknownGuild = () => new ApiError(404, 10004, 'Unknown Guild');
export const unknownMember = () => new ApiError(404, 10007, 'Unknown Member');
export const unknownMessage = () => new ApiError(404, 10008, 'Unknown Message');
export const unknownUser = () => new ApiError(404, 10013, 'Unknown User');
export const unknownWebhook = () => new ApiError(404, 10015, 'Unknown Webhook');
export const unknownInteraction = () => new ApiError(404, 10062, 'Unknown interaction');
export const unknownCommand = () => new ApiError(404, 10063, 'Unknown application command');
export const alreadyAcknowledged = () =>
  new ApiError(400, 40060, 'Interaction has already been acknowledged.');
export const missingAccess = () => new ApiError(403, 50001, 'Missing Access');
export const missingPermissions = () => new ApiError(403, 50013, 'Missing Permissions');
export const cannotExecuteOnChannel = () =>
  new ApiError(400, 50024, 'Cannot execute action on this channel type');
export const threadArchived = () => new ApiError(400, 50083, 'Thread is archived');
export const emptyMessage = () => new ApiError(400, 50006, 'Cannot send an empty message');
export const tooLarge = () => new ApiError(413, 40005, 'Request entity too large');
