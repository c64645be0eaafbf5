-- name: running_versions
-- Versions that people enter or are in, of journeys that run, are paused, or are finished and not yet empty.
select v.id, v.journey_id, j.state, v.id = j.live_version_id and j.state = 'live', v.id = j.live_version_id and j.state = 'paused',
       coalesce(j.started_at, '2000-01-01Z')
from journey j join journey_version v on v.journey_id = j.id
where j.state in ('live', 'paused', 'finished')
  and (j.state <> 'finished' or j.emptied_at is null or j.emptied_at < j.finished_at)
  and (v.id = j.live_version_id or (select 1 from journey_run r where r.version_id = v.id limit 1) is not null)
order by v.id;

-- name: definitions
-- What some versions say.
select id, journey_id, definition from journey_version where id = any(%(ids)s::bigint[]);

-- name: emptied
-- Finished journeys in which nobody is any more; nobody hears what was kept for them.
with empty as (
    update journey j set emptied_at = %(now)s
    where j.id = any(%(journey_ids)s::bigint[]) and j.state = 'finished'
      and not exists (
          select 1 from journey_version v
          where v.journey_id = j.id and (select 1 from journey_run r where r.version_id = v.id limit 1) is not null
      )
    returning j.id
)
delete from journey_heard where journey_id in (select id from empty);

-- name: something_heard
-- Whether anything is to be heard at all.
select 1 from journey_heard limit 1;

-- name: hold_journey
-- A journey that cannot go on is paused, with the reason.
update journey set state = 'paused', held_reason = %(reason)s where id = %(journey_id)s and state in ('live', 'paused', 'finished');

-- name: due_versions
-- Of these versions, those in which somebody of our buckets is due.
select v from unnest(%(versions)s::bigint[]) v
where exists (
    select 1 from unnest(%(buckets)s::int[]) b cross join lateral (
        select 1 from journey_run r where r.version_id = v and r.bucket = b and r.wake_at <= %(now)s::timestamptz limit 1
    ) one
)
order by v;

-- name: take_due
-- People of a version who are due, the same share of each bucket, as columns; held until the transaction ends.
with taken as materialized (
    select r.* from unnest(%(buckets)s::int[]) b cross join lateral (
        select r.profile_id, r.id, r.step, r.turn, r.moved, r.coming, r.wake_at, r.entered_at, r.arrived_at, r.memory
        from journey_run r
        where r.version_id = %(version_id)s and r.bucket = b and r.wake_at <= %(now)s::timestamptz
        order by r.wake_at limit %(each)s for update skip locked
    ) r
), numbered as (select *, (row_number() over () - 1)::int as place from taken)
select array_send(array_agg(profile_id)), array_send(array_agg(id)), array_send(array_agg(step::int)),
       array_send(array_agg(turn)), array_send(array_agg(moved::int)), array_send(array_agg(coming::int)),
       array_send(array_agg(wake_at)), array_send(array_agg(entered_at)), array_send(array_agg(arrived_at)),
       array_send(array_agg(place) filter (where memory is not null)), array_agg(memory::text) filter (where memory is not null)
from numbered;

-- name: take_of
-- All passages of some people in a version, as columns; held until the transaction ends.
with taken as materialized (
    select r.profile_id, r.id, r.step, r.turn, r.moved, r.coming, coalesce(r.wake_at, 'infinity') as wake_at, r.entered_at,
           r.arrived_at, r.memory
    from journey_run r
    where r.profile_id = any(%(profiles)s::bigint[]) and r.version_id = %(version_id)s
    order by r.profile_id, r.id for update
), numbered as (select *, (row_number() over () - 1)::int as place from taken)
select array_send(array_agg(profile_id)), array_send(array_agg(id)), array_send(array_agg(step::int)),
       array_send(array_agg(turn)), array_send(array_agg(moved::int)), array_send(array_agg(coming::int)),
       array_send(array_agg(wake_at)), array_send(array_agg(entered_at)), array_send(array_agg(arrived_at)),
       array_send(array_agg(place) filter (where memory is not null)), array_agg(memory::text) filter (where memory is not null)
from numbered;

-- name: move_runs
-- Where people stand now, and until when.
update journey_run r
set step = u.step, turn = u.turn, coming = false, wake_at = nullif(u.wake_at, 'infinity'), arrived_at = u.arrived_at
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(steps)s::int[], %(turns)s::int[], %(wakes)s::timestamptz[],
            %(arrived)s::timestamptz[]) u (profile_id, id, step, turn, wake_at, arrived_at)
where r.profile_id = u.profile_id and r.id = u.id;

-- name: move_runs_with_memory
-- Where people stand now, until when, and what they carry along.
update journey_run r
set step = u.step, turn = u.turn, coming = false, wake_at = nullif(u.wake_at, 'infinity'), arrived_at = u.arrived_at,
    memory = u.memory
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(steps)s::int[], %(turns)s::int[], %(wakes)s::timestamptz[],
            %(arrived)s::timestamptz[], %(memories)s::jsonb[]) u (profile_id, id, step, turn, wake_at, arrived_at, memory)
where r.profile_id = u.profile_id and r.id = u.id;

-- name: end_runs
-- Passages that are over.
with gone as (
    delete from journey_run r using unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(steps)s::int[], %(reasons)s::text[],
        %(converted)s::int[], %(values)s::text[]) u (profile_id, id, step, reason, converted, value)
    where r.profile_id = u.profile_id and r.id = u.id
    returning r.profile_id, r.id, r.journey_id, r.version_id, u.step, u.reason, r.key, u.converted, u.value, r.entered_at
)
insert into journey_past
    (profile_id, run_id, journey_id, version_id, step, reason, key, converted, value, entered_at, ended_at)
select profile_id, id, journey_id, version_id, step, reason, key, converted > 0, value::numeric, entered_at, %(now)s from gone;

-- name: tell_alike
-- Moves of people, few ways of them.
insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
select u.profile_id, u.run_id, %(journey_id)s, %(version_id)s, %(now)s, (%(paths)s::jsonb[])[u.path + 1]
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(places)s::int[]) u (profile_id, run_id, path);

-- name: tell_each
-- Moves of people, each in their own words.
insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
select u.profile_id, u.run_id, %(journey_id)s, %(version_id)s, %(now)s, u.path
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(paths)s::jsonb[]) u (profile_id, run_id, path);

-- name: count
-- So many more went this way.
insert into journey_count (version_id, step, did, how, day, slot, people)
select %(version_id)s, u.step, u.did, u.how, (%(now)s::timestamptz at time zone 'UTC')::date, %(slot)s, u.people
from unnest(%(steps)s::int[], %(dids)s::text[], %(hows)s::text[], %(people)s::bigint[]) u (step, did, how, people)
on conflict (version_id, step, did, how, day, slot) do update set people = journey_count.people + excluded.people;

-- name: alone
-- One at a time lets people of these buckets into journeys; until the commit.
select pg_advisory_xact_lock(hashtextextended('journey entries', b)) from unnest(%(buckets)s::int[]) b order by b;

-- name: alone_in
-- One at a time lets people into a journey that takes only so many; until the commit.
select pg_advisory_xact_lock(hashtextextended('journey room', %(journey_id)s));

-- name: inside
-- How many are in a journey, as far as it matters.
select count(*) from (select 1 from journey_run where version_id = any(%(versions)s::bigint[]) limit %(most)s) r;

-- name: standing
-- How candidates stand, in their order: whether they are there at all (they stay until the transaction ends), passages under
-- way here, when they last entered, and the first priority of a rival journey they are in. A passage they leave is not seen.
with there as materialized (
    select p.id from profile p where p.id = any(%(profiles)s::bigint[]) and p.merged_into is null for key share
)
select array_send(array_agg((t.id is not null)::int order by a.place)), array_send(array_agg(coalesce(i.inside, 0)::int order by a.place)),
       array_send(array_agg(greatest(i.last, b.last, '-infinity') order by a.place)),
       array_send(array_agg(coalesce(i.rival, 99)::int order by a.place))
from unnest(%(profiles)s::bigint[], %(leaving)s::bigint[]) with ordinality a (id, leaving, place)
left join there t on t.id = a.id
left join lateral (
    select count(*) filter (where r.journey_id = %(journey_id)s and r.id <> a.leaving) as inside,
           max(r.entered_at) filter (where r.journey_id = %(journey_id)s) as last,
           min(x.priority) filter (where r.id <> a.leaving) as rival
    from journey_run r left join unnest(%(rivals)s::bigint[], %(priorities)s::int[]) x (version_id, priority)
        on x.version_id = r.version_id
    where r.profile_id = a.id
) i on true
left join lateral (
    select max(p.entered_at) as last from journey_past p
    where p.journey_id = %(journey_id)s and p.profile_id in (select a.id union all select f.from_id from alias f where f.to_id = a.id)
) b on true;

-- name: used_keys
-- Whether candidates entered with their key before, in their order.
select array_send(array_agg((
    exists (select 1 from journey_run r where r.profile_id = a.id and r.journey_id = %(journey_id)s and r.key = a.key)
    or exists (
        select 1 from journey_past p where p.journey_id = %(journey_id)s and p.key = a.key
          and p.profile_id in (select a.id union all select f.from_id from alias f where f.to_id = a.id)
    ))::int))
from unnest(%(profiles)s::bigint[], %(keys)s::text[]) a (id, key);

-- name: run_ids
-- Ids of passages to come.
select array_send(array_agg(nextval('journey_run_id_seq'))) from generate_series(1, %(count)s::int);

-- name: insert_runs
-- People who enter: they stand before the first step.
insert into journey_run
    (profile_id, id, journey_id, version_id, bucket, step, coming, wake_at, entered_at, arrived_at, key, memory)
overriding system value
select u.profile_id, u.id, %(journey_id)s, %(version_id)s, u.profile_id %% 64, %(step)s, true, %(now)s, u.at, u.at, u.key, u.memory
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(ats)s::timestamptz[], %(keys)s::text[], %(memories)s::jsonb[])
    u (profile_id, id, at, key, memory);

-- name: insert_held_out
-- People who would have entered, and are compared with.
insert into journey_past (profile_id, run_id, journey_id, version_id, reason, key, entered_at, ended_at)
select u.profile_id, u.id, %(journey_id)s, %(version_id)s, 'holdout', u.key, u.at, %(now)s
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(ats)s::timestamptz[], %(keys)s::text[]) u (profile_id, id, at, key);

-- name: convert_held_out
-- People of the holdout who reached the goal all the same, since they would have entered.
update journey_past p set converted = true, value = coalesce(p.value, u.value::numeric)
from unnest(%(profiles)s::bigint[], %(ats)s::timestamptz[], %(values)s::text[]) u (profile_id, at, value)
where p.profile_id in (select u.profile_id union all select f.from_id from alias f where f.to_id = u.profile_id)
  and p.journey_id = %(journey_id)s and p.reason = 'holdout' and not p.converted and p.entered_at < u.at;

-- name: put_heard
-- What people did, until their journeys have heard it.
insert into journey_heard (bucket, profile_id, lane, seq, ts, received_at, kind, name, properties, begun)
select u.profile_id %% 64, u.profile_id, u.lane, u.seq, u.ts, u.received_at, u.kind, u.name, u.properties, u.begun
from unnest(%(profiles)s::bigint[], %(lanes)s::int[], %(seqs)s::bigint[], %(tss)s::timestamptz[], %(received)s::timestamptz[],
            %(kinds)s::text[], %(names)s::text[], %(properties)s::jsonb[], %(begun)s::int[])
    u (profile_id, lane, seq, ts, received_at, kind, name, properties, begun);

-- name: take_heard
-- What is to be heard in our buckets, the same share of each; whoever was merged meanwhile under the id they have now.
select h.profile_id, h.id, coalesce(a.to_id, h.profile_id), h.lane, h.seq, h.ts, h.received_at, h.kind, h.name, h.properties::text,
       h.begun
from unnest(%(buckets)s::int[]) b cross join lateral (
    select * from journey_heard h where h.bucket = b and h.journey_id is null order by h.id limit %(each)s
) h
left join alias a on a.from_id = h.profile_id;

-- name: take_kept
-- What was kept back for journeys while they were paused.
select h.profile_id, h.id, coalesce(a.to_id, h.profile_id), h.lane, h.seq, h.ts, h.received_at, h.kind, h.name, h.properties::text,
       h.begun, h.admits
from (
    select * from journey_heard h
    where h.journey_id = %(journey_id)s and h.bucket = any(%(buckets)s::int[]) order by h.bucket, h.id limit %(most)s
) h
left join alias a on a.from_id = h.profile_id;

-- name: kept_journeys
-- Of these journeys, those for which something was kept back in our buckets.
select j from unnest(%(journeys)s::bigint[]) j
where (select 1 from journey_heard h where h.journey_id = j and h.bucket = any(%(buckets)s::int[]) limit 1) is not null;

-- name: keep_heard
-- A paused journey hears these when it goes on.
insert into journey_heard (bucket, profile_id, lane, seq, ts, received_at, kind, name, properties, begun, journey_id, admits)
select h.bucket, h.profile_id, h.lane, h.seq, h.ts, h.received_at, h.kind, h.name, h.properties, h.begun, %(journey_id)s, u.admits > 0
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(admits)s::int[]) u (profile_id, id, admits)
join journey_heard h on h.profile_id = u.profile_id and h.id = u.id
order by h.id;

-- name: forget_heard
-- These are heard.
delete from journey_heard h using unnest(%(profiles)s::bigint[], %(ids)s::bigint[]) u (profile_id, id)
where h.profile_id = u.profile_id and h.id = u.id;

-- name: refile_heard
-- What was done by somebody who is part of another profile by now goes to that one's bucket.
update journey_heard h set profile_id = u.into_id, bucket = u.into_id %% 64
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(intos)s::bigint[]) u (profile_id, id, into_id)
where h.profile_id = u.profile_id and h.id = u.id;

-- name: merging_runs
-- Passages of some people, of those merged away and of those they became part of; held until the transaction ends.
select profile_id, id, version_id, step, key from journey_run where profile_id = any(%(profiles)s::bigint[])
order by profile_id, id for update;

-- name: hand_over
-- Passages are another profile's from now on; ``origin`` remembers whose they were.
update journey_run r set profile_id = u.into_id, bucket = u.into_id %% 64,
    origin = case when %(keep)s::boolean then coalesce(r.origin, u.origin) else u.origin end
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(intos)s::bigint[], %(origins)s::bigint[]) u (profile_id, id, into_id, origin)
where r.profile_id = u.profile_id and r.id = u.id;

-- name: tell_handed
-- Whose passages became another's, in the history.
insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)
select r.profile_id, r.id, r.journey_id, r.version_id, %(now)s,
       jsonb_build_array(jsonb_build_object('s', r.step, 'd', %(did)s::text, 'h', 'moved', 'w', jsonb_build_object('from', u.profile_id)))
from unnest(%(profiles)s::bigint[], %(ids)s::bigint[], %(intos)s::bigint[]) u (profile_id, id, into_id)
join journey_run r on r.profile_id = u.into_id and r.id = u.id;

-- name: handed_from
-- Passages that were somebody's, or a part of theirs, before they became another's.
select r.profile_id, r.id, case when r.origin = %(revived)s then null else r.origin end from journey_run r
where r.profile_id = %(survivor)s and r.origin is not null
  and (r.origin = %(revived)s or r.origin in (select a.from_id from alias a where a.to_id = %(revived)s))
order by r.id for update;

-- name: ended_by_merge
-- Passages that a merge of theirs ended.
select run_id, version_id from journey_aside where profile_id = any(%(profiles)s::bigint[]) and reason = 'merged' order by run_id;

-- name: count_kept
-- So many more would come in by what was kept for a paused journey; how many that is by now.
update journey set kept_entries = kept_entries + %(count)s where id = %(journey_id)s returning kept_entries;
