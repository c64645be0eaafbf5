-- name: lanes
-- How far each lane is understood: every event row up to there is committed.
select lane, seq from intake_cursor order by lane;

-- name: new_events
-- Events of some names beyond a place in each lane. The bound by reception spares a look into older days.
select e.lane, e.seq, e.profile_id, e.name, e.ts, case when e.name = any(%(deep)s::text[]) then e.properties::text end
from unnest(%(lanes)s::smallint[], %(afters)s::bigint[], %(ends)s::bigint[]) c (lane, after, reach)
cross join lateral (
    select lane, seq, profile_id, name, ts, properties from event e
    where e.lane = c.lane and e.seq > c.after and e.seq <= c.reach and e.name = any(%(names)s::text[])
        and e.profile_id is not null
) e;

-- name: mirror_reach
-- The last change of the mirror.
select coalesce(max(seq), 0) from mirror_change;

-- name: mirror_changes
-- Whose row of the mirror changed after a place, and where that is.
select seq, ids from mirror_change where seq > %(after)s order by seq limit %(limit)s;

-- name: aliases
-- Of some people all they are called by: (was, is), of those merged into them and of those they were merged into.
with asked as (select id from unnest(%(ids)s::bigint[]) i (id)),
real as (select id from asked union select a.to_id from alias a join asked on asked.id = a.from_id)
select a.from_id, a.to_id from alias a join real on real.id = a.to_id;

-- name: people
-- What is known of some people who are there, and not merged into others.
select id, traits::text, created_at, first_seen, last_seen from profile
where id = any(%(ids)s::bigint[]) and merged_into is null;

-- name: traits
-- What some traits are now.
select name, type, column_name from trait where name = any(%(names)s::text[]);

-- name: candidates
-- The rule segments of some buckets, and all there is to know without their trees.
select id, name, version, revision, announce, evaluated_at is not null, evaluated_version is not distinct from version,
    failed is not null, freshness
from segment where state = 'active' and kind = 'rule' and id %% 64 = any(%(buckets)s);

-- name: versions
-- Where every segment stands: its version, and for lists how often their members changed.
select id, case when kind = 'rule' then version else delta_seq end from segment;

-- name: set_freshness
-- What became of segments: live, or not, and why.
update segment s set freshness = f.freshness, not_live = f.why
from unnest(%(ids)s::bigint[], %(freshness)s::text[], %(whys)s::text[]) f (id, freshness, why)
where s.id = f.id and (s.freshness, s.not_live) is distinct from (f.freshness, f.why);

-- name: take_revisions
-- Step to the next revision of several segments; fewer rows than asked means that somebody else was first.
update segment s set revision = s.revision + 1, size = c.size, delta_seq = c.seq, evaluated_at = greatest(s.evaluated_at, %(now)s)
from unnest(%(ids)s::bigint[], %(revisions)s::bigint[], %(sizes)s::bigint[], %(seqs)s::bigint[]) c (id, revision, size, seq)
where s.id = c.id and s.revision = c.revision and s.state = 'active';

-- name: write_deltas
-- Who came and who went, of several segments.
insert into segment_delta (segment_id, seq, changes, entered, gone)
select * from unnest(%(ids)s::bigint[], %(seqs)s::bigint[], %(changes)s::bigint[], %(entered)s::bytea[], %(gone)s::bytea[]);

-- name: write_growths
-- The sizes of several segments; changes within a minute add up.
insert into segment_growth (segment_id, at, version, size, entered, gone)
select g.id, date_bin('1 minute', %(now)s, '2000-01-01T00:00:00Z'), g.version, g.size, g.entered, g.gone
from unnest(%(ids)s::bigint[], %(versions)s::int[], %(sizes)s::bigint[], %(entered)s::bigint[], %(gone)s::bigint[])
    g (id, version, size, entered, gone)
on conflict (segment_id, at) do update
set version = excluded.version, size = excluded.size, entered = segment_growth.entered + excluded.entered,
    gone = segment_growth.gone + excluded.gone;

-- name: pulse
-- The live segments of some buckets are true until now.
insert into segment_pulse (bucket, at) select bucket, %(now)s from unnest(%(buckets)s::smallint[]) b (bucket)
on conflict (bucket) do update set at = greatest(segment_pulse.at, excluded.at), beat = clock_timestamp();

-- name: dirty
-- Profiles that wait to be copied into the mirror, so many at most.
select profile_id from profile_dirty limit %(limit)s;
