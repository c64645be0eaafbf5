-- name: add_file
-- A file was brought in.
insert into import_file (name, path, size, sha256, uploaded_by, uploaded_at)
values (%(name)s, %(path)s, %(size)s, %(sha256)s, %(by)s, %(at)s)
returning id, name, size, sha256, uploaded_by, uploaded_at;

-- name: find_file
-- One file and where it lies.
select id, name, path, size, sha256, uploaded_by, uploaded_at from import_file where id = %(id)s;

-- name: as_of
-- When the same file was first imported by the same map.
select min(i.as_of) from import i join import_file f on f.id = i.file_id
where not i.dry_run and f.sha256 = (select sha256 from import_file where id = %(file_id)s) and i.map = %(map)s;

-- name: add_import
-- An import and its job.
insert into import (file_id, kind, map, dry_run, as_of, job_id, created_by, created_at)
values (%(file_id)s, %(kind)s, %(map)s, %(dry_run)s, %(as_of)s, %(job_id)s, %(by)s, %(at)s) returning id;

-- name: read_import
-- What an import's job works from.
select i.id, i.kind, i.map, i.dry_run, i.as_of, f.path, f.name, f.sha256 from import i join import_file f on f.id = i.file_id where i.job_id = %(job_id)s;

-- name: wait_for_erasures
-- An import begins when nobody is just being forgotten: what it reads is then known to be gone.
select pg_advisory_xact_lock_shared(hashtextextended('imports and erasures', 0));

-- name: hold_imports
-- No import begins until this transaction ends.
select pg_advisory_xact_lock(hashtextextended('imports and erasures', 0));

-- name: begin_import
-- It begins, or begins anew after its process died.
update import set state = 'running', rows = 0, refused = 0, made = 0, changed = 0, unchanged = 0, said = 0, reasons = '{}' where id = %(id)s;

-- name: note_import
-- What became of its rows so far.
update import set rows = %(rows)s, refused = %(refused)s, made = %(made)s, changed = %(changed)s, unchanged = %(unchanged)s, said = %(said)s,
    reasons = %(reasons)s, errors = %(errors)s, state = %(state)s
where id = %(id)s;

-- name: list_imports
-- Imports with their jobs, newest first.
select i.id, i.file_id, f.name as file, f.size, i.kind, i.map, i.dry_run, i.as_of, i.job_id,
    case when j.state in ('failed', 'cancelled') then j.state else i.state end as state, j.done, j.total, j.message, j.error,
    i.rows, i.refused, i.made, i.changed, i.unchanged, i.said, i.reasons, i.errors is not null as has_errors, i.created_by, i.created_at,
    j.finished_at
from import i join import_file f on f.id = i.file_id join job j on j.id = i.job_id
where i.id < %(before)s and (%(id)s::bigint is null or i.id = %(id)s) order by i.id desc limit %(limit)s;

-- name: errors_of
-- Where the refused rows of an import lie.
select errors from import where id = %(id)s;

-- name: take_keys
-- Of these keys of events, those never imported before; they are from now on.
insert into import_key (key) select key from unnest(%(keys)s::uuid[]) k (key) order by key on conflict do nothing returning key;

-- name: topics
-- What customers may be written to about.
select name from topic;

-- name: consents_said
-- Which of these words about a channel and topic are in the ledger already, be it under a profile that was merged away.
select distinct g.place
from unnest(%(places)s::int[], %(ids)s::bigint[], %(channels)s::text[], %(topics)s::text[], %(ats)s::timestamptz[], %(sources)s::text[])
    g (place, id, channel, topic, at, source)
cross join lateral (select g.id as profile_id union all select from_id from alias where to_id = g.id) p
join consent c on c.profile_id = p.profile_id and c.channel = g.channel and c.topic = g.topic and c.at = g.at and c.source = g.source;

-- name: wishes_said
-- The same of wishes, which a row says together.
select distinct g.place
from unnest(%(places)s::int[], %(ids)s::bigint[], %(ats)s::timestamptz[], %(sources)s::text[]) g (place, id, at, source)
cross join lateral (select g.id as profile_id union all select from_id from alias where to_id = g.id) p
join preference_change c on c.profile_id = p.profile_id and c.at = g.at and c.source = g.source;

-- name: is_running
-- Whether rows are being brought in at this moment, or will be again when their process is replaced.
select exists (select from job where kind = 'imports.run' and state = 'running');

-- name: import_source
-- What the words of an import are stamped with.
select i.as_of, f.sha256 from import i join import_file f on f.id = i.file_id where i.id = %(id)s;

-- name: people_of
-- Customers who have a word of an import.
select id from profile where merged_into is null and (starts_with(stamp, %(prefix)s)
    or stamps <> '{}' and exists (select from jsonb_each_text(stamps) s where starts_with(s.value, %(prefix)s)));
