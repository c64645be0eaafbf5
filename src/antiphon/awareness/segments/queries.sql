-- name: list_segments
-- Segments by name, a page after (name, id); archived ones only when asked for.
select id, name, description, kind, tree, refs, version, announce, state, created_at, updated_at, revision,
    segment_true_until(segment) as evaluated_at, evaluated_version, took_ms, size, delta_seq, failed, freshness, not_live
from segment
where state = %(state)s
    and (%(search)s::text is null or name ilike %(search)s or description ilike %(search)s)
    and (%(after_name)s::text is null or (lower(name), id) > (%(after_name)s, %(after_id)s))
order by lower(name), id
limit %(limit)s;

-- name: count_segments
-- How many segments a list has.
select count(*) from segment
where state = %(state)s and (%(search)s::text is null or name ilike %(search)s or description ilike %(search)s);

-- name: find_segment
-- One segment.
select id, name, description, kind, tree, refs, version, announce, state, created_at, updated_at, revision,
    segment_true_until(segment) as evaluated_at, evaluated_version, took_ms, size, delta_seq, failed, freshness, not_live
from segment where id = %(id)s;

-- name: hold_segment
-- One segment, held until the transaction ends.
select id, name, description, kind, tree, refs, version, announce, state, created_at, updated_at, revision,
    segment_true_until(segment) as evaluated_at, evaluated_version, took_ms, size, delta_seq, failed, freshness, not_live
from segment where id = %(id)s for no key update;

-- name: hold_definitions
-- Trees change one transaction at a time, so that two changes cannot close a cycle between them.
select pg_advisory_xact_lock(hashtextextended('segment', 0));

-- name: definitions
-- The trees of all segments, also archived ones, which others may still refer to; null for static lists.
select id, tree from segment;

-- name: static_lists
-- The static lists, archived ones too: they may be brought back.
select id from segment where kind = 'static' order by id;

-- name: every_segment
-- Whatever has members, archived or not.
select id from segment order by id;

-- name: some_segments
-- The segments to refresh together.
select id, name, description, kind, tree, refs, version, announce, state, created_at, updated_at, revision,
    segment_true_until(segment) as evaluated_at, evaluated_version, took_ms, size, delta_seq, failed, freshness, not_live
from segment where id = any(%(ids)s) and state = 'active';

-- name: due_segments
-- The segments of some buckets whose refresh is due, longest waiting first. Live ones only where nobody keeps them so.
select s.id from segment s
where s.state = 'active' and s.due_at <= clock_timestamp() and s.id %% 64 = any(%(buckets)s)
    and (s.freshness <> 'live' or s.evaluated_version is distinct from s.version or not exists (
        select from segment_pulse p where p.bucket = s.id %% 64 and p.beat > clock_timestamp() - %(silence)s::interval))
order by s.due_at limit %(limit)s;

-- name: live_among
-- Those of some segments that are kept live, and are true for an instant.
select s.id from segment s join segment_pulse p on p.bucket = s.id %% 64
where s.id = any(%(ids)s) and s.state = 'active' and s.freshness = 'live' and s.evaluated_version = s.version
    and p.beat > clock_timestamp() - %(silence)s::interval and (%(at)s::timestamptz is null or p.at >= %(at)s);

-- name: ages
-- When the segments of some buckets were last refreshed, for the metrics.
select id, name, segment_true_until(segment), size from segment where state = 'active' and id %% 64 = any(%(buckets)s);

-- name: referring
-- Names of the segments in force that refer to one.
select name from segment where refs @> array[%(id)s::bigint] and state = 'active' order by name;

-- name: insert_segment
-- A new segment, its first version in force.
insert into segment (name, description, kind, tree, refs, announce, created_at, updated_at)
values (%(name)s, %(description)s, %(kind)s, %(tree)s, %(refs)s, %(announce)s, %(now)s, %(now)s)
returning id;

-- name: update_segment
-- What people changed; a refresh that began before is void.
update segment
set name = %(name)s, description = %(description)s, tree = %(tree)s, refs = %(refs)s, version = %(version)s,
    announce = %(announce)s, updated_at = %(now)s, revision = revision + 1, failed = null, due_at = clock_timestamp(),
    freshness = case when version = %(version)s then freshness else 'periodic' end,
    not_live = case when version = %(version)s then not_live end
where id = %(id)s;

-- name: set_state
-- Archive a segment, or bring it back.
update segment set state = %(state)s, updated_at = %(now)s, revision = revision + 1, due_at = clock_timestamp(),
    freshness = 'periodic', not_live = null
where id = %(id)s;

-- name: insert_version
-- A tree that was published.
insert into segment_version (segment_id, version, tree, published_at, published_by)
values (%(id)s, %(version)s, %(tree)s, %(now)s, %(by)s);

-- name: list_versions
-- Every tree a segment had, latest first.
select version, tree, published_at, published_by from segment_version where segment_id = %(id)s order by version desc;

-- name: read_members
-- Of each segment what is newer than its seq, in one snapshot: the base (gone is null) where it is, and the deltas, in order.
with wanted as (select id, seq from unnest(%(ids)s::bigint[], %(seqs)s::bigint[]) w (id, seq))
select b.segment_id, b.seq, b.ids, null::bytea as gone
from segment_base b join wanted w on w.id = b.segment_id where b.seq > w.seq
union all
select d.segment_id, d.seq, d.entered, d.gone
from segment_delta d join wanted w on w.id = d.segment_id where d.seq > w.seq
order by 1, 2;

-- name: places
-- Where the members of each segment in force are.
select id, name, delta_seq, segment_true_until(segment) as evaluated_at from segment where state = 'active' order by id;

-- name: take_revision
-- Step from the revision that was worked on to the next; nothing when somebody else was first.
update segment
set revision = revision + 1, size = %(size)s, delta_seq = %(seq)s
where id = %(id)s and revision = %(revision)s and (state = 'active' or %(archived)s)
    and (evaluated_at is null or evaluated_at <= %(now)s)
returning revision;

-- name: refreshed
-- The members are true for this instant and version.
update segment
set evaluated_at = %(now)s, evaluated_version = %(version)s, took_ms = %(took_ms)s, failed = null,
    due_at = clock_timestamp() + %(pause)s
where id = %(id)s;

-- name: write_base
-- Members written anew.
insert into segment_base (segment_id, seq, size, ids) values (%(id)s, %(seq)s, %(size)s, %(ids)s)
on conflict (segment_id) do update set seq = excluded.seq, size = excluded.size, ids = excluded.ids;

-- name: drop_deltas
-- Changes that are in the base now.
delete from segment_delta where segment_id = %(id)s and seq <= %(seq)s;

-- name: write_delta
-- Who came and who went.
insert into segment_delta (segment_id, seq, changes, entered, gone)
values (%(id)s, %(seq)s, %(changes)s, %(entered)s, %(gone)s);

-- name: weight
-- How much has changed since the base, in how many deltas, and how large the base is.
select coalesce(sum(d.changes), 0), count(d.seq), coalesce((select size from segment_base where segment_id = %(id)s), -1)
from segment_delta d where d.segment_id = %(id)s;

-- name: write_growth
-- The size after a change; changes within a minute add up.
insert into segment_growth (segment_id, at, version, size, entered, gone)
values (%(id)s, date_bin('1 minute', %(now)s, '2000-01-01T00:00:00Z'), %(version)s, %(size)s, %(entered)s, %(gone)s)
on conflict (segment_id, at) do update
set version = excluded.version, size = excluded.size, entered = segment_growth.entered + excluded.entered,
    gone = segment_growth.gone + excluded.gone;

-- name: failed
-- A refresh that failed: why, and when to try again.
update segment set failed = %(why)s, due_at = clock_timestamp() + %(pause)s where id = any(%(ids)s);

-- name: make_due
-- Refresh as soon as somebody can.
update segment set due_at = clock_timestamp() where id = any(%(ids)s) and state = 'active';

-- name: any_alias
-- Whether anybody was ever merged.
select exists (select from alias);

-- name: about_how_many
-- How many profiles there were when PostgreSQL last counted.
select greatest(0, reltuples)::bigint from pg_class where oid = 'profile'::regclass;

-- name: any_dirty
-- Whether a changed profile waits to be copied into the mirror.
select exists (select from profile_dirty);

-- name: merged_among
-- Of these profiles, those that were merged away, and into whom.
select from_id, to_id from alias where from_id = any(%(ids)s);

-- name: cards
-- What to show of some profiles in a list.
select p.id, p.traits,
    (select i.value from identity i where i.profile_id = p.id order by i.kind, i.value limit 1) as identity
from profile p where p.id = any(%(ids)s);

-- name: one_profile
-- The traits and instants of one profile.
select traits, created_at, first_seen, last_seen from profile where id = %(id)s and merged_into is null;

-- name: event_names
-- Names of events, latest seen first, with the types of their properties.
select name, max(last_seen) as last_seen, jsonb_agg(properties) as properties from event_name
where name <> '' group by name order by 2 desc limit %(limit)s;

-- name: existing_profiles
-- Those of these ids that are profiles, canonical.
select distinct coalesce(a.to_id, p.id) from profile p left join alias a on a.from_id = p.id
where p.id = any(%(ids)s);
