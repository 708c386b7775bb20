/**
 * Times are milliseconds since the epoch. `seq` is the order of creation and what page cursors point at.
 * Documents the API only hands back whole (definitions, metadata, events) are JSON text.
 */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
CREATE TABLE agents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  archived_at INTEGER
);
CREATE TABLE agent_versions (
  agent_id TEXT NOT NULL REFERENCES agents (id),
  version INTEGER NOT NULL,
  definition TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, version)
);

CREATE TABLE environments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  description TEXT,
  config TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  archived_at INTEGER
);
CREATE UNIQUE INDEX environments_name ON environments (name) WHERE archived_at IS NULL;

CREATE TABLE sessions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  thread_id TEXT NOT NULL,
  status TEXT NOT NULL,
  interrupted INTEGER NOT NULL DEFAULT 0,
  agent_id TEXT NOT NULL,
  agent_version INTEGER NOT NULL,
  agent_name TEXT NOT NULL,
  agent TEXT NOT NULL,
  environment_id TEXT NOT NULL,
  title TEXT,
  metadata TEXT NOT NULL,
  resources TEXT NOT NULL,
  budget TEXT,
  had_budget INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_input_tokens INTEGER NOT NULL DEFAULT 0,
  cache_creation_input_tokens INTEGER NOT NULL DEFAULT 0,
  active_ms INTEGER NOT NULL DEFAULT 0,
  running_since INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  archived_at INTEGER
);
CREATE INDEX sessions_agent ON sessions (agent_id);
CREATE INDEX sessions_running ON sessions (status) WHERE status = 'running';
CREATE TABLE session_stores (
  store_id TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  PRIMARY KEY (store_id, session_id)
) WITHOUT ROWID;
CREATE INDEX session_stores_session ON session_stores (session_id);

-- The log: what has been processed, in the order it was processed.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  processed_at INTEGER NOT NULL,
  json TEXT NOT NULL
);
CREATE INDEX events_session ON events (session_id, seq);
-- Messages waiting for their turn (processed_at null).
CREATE TABLE queued_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  json TEXT NOT NULL
);
CREATE INDEX queued_events_session ON queued_events (session_id, seq);
-- Tool uses that only the client can settle, until it has.
CREATE TABLE pending_actions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  kind TEXT NOT NULL
);
CREATE INDEX pending_actions_session ON pending_actions (session_id);

CREATE TABLE memory_stores (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  archived_at INTEGER
);
CREATE TABLE memories (
  id TEXT NOT NULL PRIMARY KEY,
  store_id TEXT NOT NULL REFERENCES memory_stores (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  content TEXT NOT NULL,
  content_sha256 TEXT NOT NULL,
  content_size_bytes INTEGER NOT NULL,
  version_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX memories_path ON memories (store_id, path);
-- Versions outlive their memory, not their store; a redacted one has no path, content, hash and size.
CREATE TABLE memory_versions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  store_id TEXT NOT NULL REFERENCES memory_stores (id) ON DELETE CASCADE,
  memory_id TEXT NOT NULL,
  operation TEXT NOT NULL,
  path TEXT,
  content TEXT,
  content_sha256 TEXT,
  content_size_bytes INTEGER,
  session_id TEXT,
  created_at INTEGER NOT NULL,
  redacted_at INTEGER
);
CREATE INDEX memory_versions_store ON memory_versions (store_id, seq);
CREATE INDEX memory_versions_session ON memory_versions (store_id, session_id, seq);
CREATE INDEX memory_versions_memory ON memory_versions (memory_id, seq);

CREATE TABLE files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  filename TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  scope_id TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
);
CREATE INDEX files_scope ON files (scope_id, seq) WHERE scope_id IS NOT NULL;
CREATE TABLE file_contents (
  file_id TEXT NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
  data BLOB NOT NULL
);
`;
