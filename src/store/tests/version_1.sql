-- A store of version 1, as `sqlite3 runs.db .dump` writes it. Kept as it is: newer versions have to open it.
PRAGMA application_id = 1818714484;
PRAGMA user_version = 1;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
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
INSERT INTO run VALUES(1,'done','chat','config/plans/chat.yml','smoke','[["suite","night"]]','schedule','nightly','finished',1000,NULL,3000,'passed',0,NULL,X'82907f49ac019a429e180799b5ddec007737e181fb72762974ae89b1a2eba52292be561e9e2a3a90fb50d6e1b7c678e3d46b0f2518dab23e910c86f8438e5078002e9b9d43c6b82a4633b08be56c918046f4e5b5ec9013275346a5989c6e91ad72dd1a30675983138c5e1399dbed85a91f8ae67b0b176a3f98e38f5d13ad754491c4931788616c512ff586ebe662e76bf2dfc966163b4c48f43aa1bc4dd839c84bbcfe9b6160f979c650461d8bf4fdc5');
INSERT INTO run VALUES(2,'going','chat','config/plans/chat.yml','smoke','[["suite","night"]]','schedule','nightly','running',1000,2000,NULL,NULL,NULL,NULL,X'82907f49ac019a42bcd7de490946cb5bd97ecb94954927aaaaa5ef301bbb6baa3661fddf7fda3a92b70eaf90fa00e6f01aeec38afbf0971e9bbded44300adfd34b6be89692d4cb62ffb55e2f4bdb4cec7e33e7b26dbcc3ff1e3ca6a6aaca5af3fd66051c1f514b7807d13d68275bb3a5510c5c6da7194567aa84a4510ac777ba30a6f30e4acaf15c68334f82a0109be3cd5ba4e7e577fd54e6a00c034625c448f937bda3d41ccc7033c8d65dc3168aa0');
CREATE TABLE idempotency (
  key    TEXT PRIMARY KEY,
  -- HMAC-SHA256 of the request, under `key`: what was in it cannot be guessed and tried.
  digest BLOB NOT NULL,
  run    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE summary (
  run    INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  at_ms  INTEGER NOT NULL,
  data   BLOB NOT NULL
) STRICT;
INSERT INTO summary VALUES(1,3000,X'28b52ffd0458a100007b2276657264696374223a22706173736564227dd069cc8d');
CREATE TABLE event (
  run    INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  seq    INTEGER NOT NULL,
  at_ms  INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  data   TEXT NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO event VALUES(1,1,1000,'state','{"state":"queued"}');
INSERT INTO event VALUES(1,2,3000,'finished','{"state":"finished","verdict":"passed","exit_code":0,"ended_by":null}');
INSERT INTO event VALUES(2,1,1000,'state','{"state":"queued"}');
INSERT INTO event VALUES(2,2,2000,'state','{"state":"running"}');
CREATE TABLE log (
  run            INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  -- Of the pieces that stay whatever comes: the beginning.
  head_bytes     INTEGER NOT NULL DEFAULT 0,
  -- Of those after them, of which the oldest go.
  tail_bytes     INTEGER NOT NULL DEFAULT 0,
  left_out_lines INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO log VALUES(2,40,0,0);
CREATE TABLE log_piece (
  run     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number  INTEGER NOT NULL,
  is_tail INTEGER NOT NULL CHECK (is_tail IN (0, 1)),
  lines   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  text    TEXT NOT NULL,
  PRIMARY KEY (run, number)
) STRICT;
INSERT INTO log_piece VALUES(2,1,0,2,40,replace('one\ntwo\n','\n',char(10)));
CREATE TABLE series_family (
  run  INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
  data BLOB NOT NULL
) STRICT;
INSERT INTO series_family VALUES(2,X'28b52ffd04584101007b2267223a7b226b696e64223a226761756765222c2268656c70223a22412067617567652e227d7d4771bab1');
CREATE TABLE series_label (
  run   INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  first INTEGER NOT NULL,
  data  BLOB NOT NULL,
  PRIMARY KEY (run, first)
) STRICT;
INSERT INTO series_label VALUES(2,0,X'28b52ffd04581901005b5b225f5f6e616d655f5f222c2267222c22746573746964222c22676f696e67225d5d8560af78');
CREATE TABLE series_block (
  run     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  from_ms INTEGER NOT NULL,
  -- Moments in it.
  frames  INTEGER NOT NULL,
  data    BLOB NOT NULL,
  PRIMARY KEY (run, from_ms)
) STRICT;
INSERT INTO series_block VALUES(2,5000,1,X'28b52ffd045851000001904e0102020002904ed03e8c2a');
INSERT INTO series_block VALUES(2,10000,1,X'28b52ffd045861000001a09c010102030002a09c01bac5db7b');
CREATE TABLE journal (
  run      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number   INTEGER NOT NULL,
  key      TEXT NOT NULL,
  begun    BLOB NOT NULL,
  ended    BLOB,
  PRIMARY KEY (run, number),
  UNIQUE (run, key)
) STRICT;
INSERT INTO journal VALUES(2,1,'fault',X'82907f49ac019a426b81fed01fd87bccf42666bc862284ef54cf035af9f4cbe2de7f632cafe1050469aab13fc33f',NULL);
CREATE TABLE test (
  name            TEXT PRIMARY KEY,
  last_verdict    TEXT NOT NULL,
  last_ended_ms   INTEGER NOT NULL,
  last_success_ms INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO test VALUES('chat','passed',3000,3000);
CREATE TABLE memory (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO memory VALUES('schedule nightly was due','1000');
CREATE INDEX run_by_state ON run (state);
CREATE INDEX run_by_test ON run (test, id);
CREATE INDEX idempotency_by_run ON idempotency (run);
COMMIT;
