/**
 * What tools and adapters of one's own build on: `import … from 'shopper'` in a project that has the package, this
 * file in a clone. docs/extending.md shows how.
 */

export { z } from 'zod';
export type {
  Activity,
  BotPort,
  ChatAdapter,
  Connect,
  Question,
  Receipt,
  Reply,
  ReplySink,
} from './core/adapter.ts';
export { PersonError, SetupError } from './core/errors.ts';
export {
  type Attachment,
  type Command,
  type CommandAction,
  type Conversation,
  conversationKey,
  type Json,
  type Message,
  type NoticeMode,
  type Person,
  personKey,
  type Quote,
} from './core/message.ts';
export { type Item, type Panel, type PanelButton, panelOf, type Quiet } from './core/panels.ts';
export { createPaced, type Paced, type PacedOptions, RetryLater } from './core/reply/paced.ts';
export { type SplitOptions, splitText } from './core/reply/text-split.ts';
export { type CustomTool, type CustomToolContext, defineTool } from './core/turn/custom-tools.ts';
export {
  lineOfChange,
  type MemoryChange,
  type MemorySection,
  type Notice,
  type PreferencesView,
  titleOfPath,
} from './core/views.ts';
export type { Log } from './log.ts';
export type { AdapterDeps, CreateAdapter } from './own-modules.ts';
