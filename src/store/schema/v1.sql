-- Times are milliseconds since the Unix epoch. What is sealed can be read with the file `key` only.

CREATE TABLE run (
  number       INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  test         TEXT NOT NULL,
  plan         TEXT NOT NULL,
  profile      TEXT,
  -- [[name, value], …]
  tags         TEXT NOT NULL,
  trigger      TEXT NOT NULL CHECK (trigger IN ('api', 'schedule', 'rerun')),
  -- The schedule's name, or the run that was repeated.
  trigger_of   TEXT,
  state        TEXT NOT NULL CHECK (state IN ('queued', 'preflight', 'setup', 'running', 'paused', 'draining',
                                              'verifying', 'teardown', 'finished', 'interrupted')),
  submitted_ms INTEGER NOT NULL,
  started_ms   INTEGER,
  ended_ms     INTEGER,
  verdict      TEXT,
  exit_code    INTEGER CHECK (exit_code BETWEEN 0 AND 255),
  ended_by     TEXT,
  -- What it was submitted with: zstd, then AES-256-GCM.
  submission   BLOB NOT NULL
) STRICT;
CREATE INDEX run_by_state ON run (state);
CREATE INDEX run_by_test ON run (test, id);

-- The run that a key has led to.
CREATE TABLE idempotency (
  key    TEXT PRIMARY KEY,
  -- HMAC-SHA256 of the request, under `key`: what was in it cannot be guessed and tried.
  digest BLOB NOT NULL,
  run    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_run ON idempotency (run);

-- The JSON summary, the last that was written; zstd.
CREATE TABLE summary (
  run    INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  at_ms  INTEGER NOT NULL,
  data   BLOB NOT NULL
) STRICT;

CREATE TABLE event (
  run    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  seq    INTEGER NOT NULL,
  at_ms  INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  data   TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- What became of a run's log as a whole; it is made of pieces.
CREATE TABLE log (
  run            INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  -- Of the pieces that stay whatever comes: the beginning.
  head_bytes     INTEGER NOT NULL DEFAULT 0,
  -- Of those after them, of which the oldest go.
  tail_bytes     INTEGER NOT NULL DEFAULT 0,
  left_out_lines INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE log_piece (
  run     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number  INTEGER NOT NULL,
  is_tail INTEGER NOT NULL CHECK (is_tail IN (0, 1)),
  lines   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  text    TEXT NOT NULL,
  PRIMARY KEY (run, number)
) STRICT;

-- What families are: {name: {kind, help}}; zstd.
CREATE TABLE series_family (
  run  INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  data BLOB NOT NULL
) STRICT;
-- Label sets, numbered from `first` on: [[name, value, …], …]; zstd.
CREATE TABLE series_label (
  run   INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  first INTEGER NOT NULL,
  data  BLOB NOT NULL,
  PRIMARY KEY (run, first)
) STRICT;
-- Samples from a time on: one moment, or many put together, by series; zstd.
CREATE TABLE series_block (
  run     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  from_ms INTEGER NOT NULL,
  -- Moments in it.
  frames  INTEGER NOT NULL,
  data    BLOB NOT NULL,
  PRIMARY KEY (run, from_ms)
) STRICT;

-- What was begun outside of this program, and whether it was ended; sealed.
CREATE TABLE journal (
  run      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number   INTEGER NOT NULL,
  key      TEXT NOT NULL,
  begun    BLOB NOT NULL,
  ended    BLOB,
  PRIMARY KEY (run, number),
  UNIQUE (run, key)
) STRICT;

-- The last of each test, kept when its runs go.
CREATE TABLE test (
  name            TEXT PRIMARY KEY,
  last_verdict    TEXT NOT NULL,
  last_ended_ms   INTEGER NOT NULL,
  last_success_ms INTEGER
) STRICT, WITHOUT ROWID;

-- What the daemon remembers between two lives.
CREATE TABLE memory (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
