-- name: list_computed
-- Every computed trait, by name.
select id, name, description, definition, state, progress, anchor, filled_at, created_at, created_by from computed_trait order by name;

-- name: hold_definitions
-- Definitions are changed by one transaction at a time.
select pg_advisory_xact_lock(hashtextextended('computed_trait', 0));

-- name: add_computed
-- A new one; its tallies are made next.
insert into computed_trait (name, description, definition, anchor, created_at, created_by)
values (%(name)s, %(description)s, %(definition)s, %(anchor)s, %(at)s, %(by)s) returning id;

-- name: describe_computed
-- What people say of it.
update computed_trait set description = %(description)s where id = %(id)s;

-- name: redefine
-- Another definition: the values stay until the new ones are there.
update computed_trait set definition = %(definition)s, anchor = %(anchor)s, state = 'filling', progress = 0
where id = %(id)s and state <> 'removing';

-- name: change_state
-- The next state, unless somebody changed the definition meanwhile.
update computed_trait set state = %(state)s, progress = 0, filled_at = coalesce(%(at)s, filled_at)
where id = %(id)s and definition = %(definition)s and state = %(before)s;

-- name: refill
-- Everything is made anew.
update computed_trait set state = 'filling', progress = 0 where state in ('settling', 'ready');

-- name: note_progress
-- So far everybody is settled.
update computed_trait set progress = %(progress)s where id = %(id)s and definition = %(definition)s and state = %(state)s;

-- name: drop_computed
-- It is gone.
delete from computed_trait where id = %(id)s;

-- name: drop_tallies
-- The next tallies of one that is made anew or removed.
delete from trait_tally where ctid = any(array(select ctid from trait_tally where computed_id = %(id)s limit %(limit)s));

-- name: tally
-- Add these to the tallies.
insert into trait_tally (profile_id, computed_id, day, item, count, number, weight, key, said)
select profile_id, %(id)s, day::date, item, count, number::numeric, weight::double precision, key, said
from unnest(%(profiles)s::bigint[], %(days)s::text[], %(items)s::text[], %(counts)s::bigint[], %(numbers)s::text[], %(weights)s::text[],
    %(keys)s::text[], %(saids)s::jsonb[]) t (profile_id, day, item, count, number, weight, key, said)
order by profile_id, day, item
on conflict (profile_id, computed_id, day, item) do update set
    count = trait_tally.count + excluded.count,
    number = case %(measure)s::text when 'least' then least(trait_tally.number, excluded.number)
        when 'greatest' then greatest(trait_tally.number, excluded.number) else trait_tally.number + excluded.number end,
    weight = trait_tally.weight + excluded.weight,
    key = case when (excluded.key < trait_tally.key) = (%(measure)s::text = 'first') then excluded.key else trait_tally.key end,
    said = case when (excluded.key < trait_tally.key) = (%(measure)s::text = 'first') then excluded.said else trait_tally.said end;

-- name: expire
-- Days that left a rolling window, and whose values they were part of.
with gone as (
    delete from trait_tally where ctid = any(array(
        select t.ctid from trait_tally t
        where t.computed_id = %(id)s and t.day > '-infinity' and t.day < %(since)s order by t.day limit %(limit)s
    )) returning profile_id
), queued as (
    insert into computed_dirty (profile_id) select distinct profile_id from gone order by 1 on conflict do nothing
)
select count(*) from gone;

-- name: queue
-- Work out the values of these people.
insert into computed_dirty (profile_id) select distinct id from unnest(%(ids)s::bigint[]) q (id) order by 1 on conflict do nothing;

-- name: take_queued
-- The next people whose values are to be worked out, as who they are now.
with taken as (
    delete from computed_dirty where profile_id = any(array(select profile_id from computed_dirty order by profile_id limit %(limit)s))
    returning profile_id
)
select coalesce(a.to_id, t.profile_id) from taken t left join alias a on a.from_id = t.profile_id;

-- name: next_people
-- The next people in order of id.
select id from profile where id > %(after)s and merged_into is null order by id limit %(limit)s;

-- name: changed_values
-- The values of computed traits that are not what the profile says: null where there is none any more. All ids are canonical and held.
with people as (
    select id from unnest(%(ids)s::bigint[]) p (id)
), definitions as materialized (
    select id as computed_id, name, state, definition ->> 'measure' as measure, (definition ->> 'days')::int as days,
        (definition ->> 'top')::int as top, nullif(definition -> 'default', 'null') as fallback, definition ->> 'kind' = 'affinity' as affine
    from computed_trait where state <> 'filling'
), members as (
    select id, id as member from people
    union all select a.to_id, a.from_id from alias a join people p on p.id = a.to_id
), items as (
    select m.id, d.computed_id, d.measure, d.top, t.item, sum(t.count) as count, sum(t.number) as total, min(t.number) as least,
        max(t.number) as greatest, sum(t.weight) as weight, max(t.key) as key,
        case when d.measure = 'first' then (array_agg(t.said order by t.key))[1] end as first_said, min(t.key) as first_key,
        case when d.measure = 'last' then (array_agg(t.said order by t.key desc))[1] end as last_said
    from members m join trait_tally t on t.profile_id = m.member join definitions d on d.computed_id = t.computed_id
    where d.state <> 'removing' and (d.days is null or t.day > %(today)s::date - d.days)
    group by m.id, d.computed_id, d.measure, d.top, t.item
), shares as (
    select *, round((weight / nullif(sum(weight) over (partition by id, computed_id), 0))::numeric, 6) as share from items
), measured as (
    select id, computed_id, case measure
        when 'count' then to_jsonb(sum(count)::bigint)
        when 'sum' then to_jsonb(trim_scale(sum(total)))
        when 'average' then to_jsonb(trim_scale(round(sum(total) / sum(count), 9)))
        when 'least' then to_jsonb(trim_scale(min(least)))
        when 'greatest' then to_jsonb(trim_scale(max(greatest)))
        when 'first' then (array_agg(first_said))[1]
        when 'last' then (array_agg(last_said))[1]
        when 'distinct' then to_jsonb(count(*))
        when 'most_frequent' then to_jsonb((array_agg(item order by count desc, key desc, item))[1])
        else nullif(to_jsonb((array_agg(item order by share desc, item) filter (where share > 0))[1:top]), 'null')
    end as value, to_jsonb(max(share)) as share
    from shares group by id, computed_id, measure, top
), wanted as (
    select p.id, d.name, coalesce(m.value, case when d.state <> 'removing' then d.fallback end) as value
    from people p cross join definitions d left join measured m on m.id = p.id and m.computed_id = d.computed_id
    union all
    select p.id, d.name || '_share', case when m.value is not null then m.share end
    from people p cross join definitions d left join measured m on m.id = p.id and m.computed_id = d.computed_id where d.affine
)
select w.id, jsonb_object_agg(w.name, coalesce(w.value, 'null'))::text
from wanted w join profile p on p.id = w.id
where w.value is distinct from p.traits -> w.name
group by w.id order by w.id;

-- name: affinities
-- What one person seems to like, strongest first.
select c.id, c.name, c.description, t.item, sum(t.weight) as weight
from trait_tally t join computed_trait c on c.id = t.computed_id
where t.profile_id = any(%(ids)s::bigint[]) and c.definition ->> 'kind' = 'affinity' and c.state in ('settling', 'ready')
group by c.id, c.name, c.description, t.item order by c.name, sum(t.weight) desc, t.item;

-- name: reach
-- For each lane with events that are not counted yet: the last of the next ones, when it was received, and how many.
select l.lane, r.seq, r.received_at, coalesce(c.seq, 0) as counted, r.count
from intake_cursor l left join computed_cursor c using (lane)
cross join lateral (
    select max(seq) as seq, max(received_at) as received_at, count(*) as count from (
        select seq, received_at from event e where e.lane = l.lane and e.seq > coalesce(c.seq, 0) order by seq limit %(most)s
    ) next
) r
where r.count > 0;

-- name: read_cursors
-- How far each lane is counted.
select lane, seq, received_at from computed_cursor order by lane;

-- name: start_cursors
-- Nothing is counted yet: begin where intake is now.
insert into computed_cursor (lane, seq, received_at) select lane, seq, greatest(received_at, '1970-01-01') from intake_cursor
on conflict (lane) do update set seq = excluded.seq, received_at = excluded.received_at;

-- name: move_cursors
-- Up to here it is counted.
insert into computed_cursor (lane, seq, received_at)
select * from unnest(%(lanes)s::smallint[], %(seqs)s::bigint[], %(received)s::timestamptz[]) m (lane, seq, received_at)
on conflict (lane) do update set seq = excluded.seq, received_at = excluded.received_at;

-- name: corrected_place
-- How far corrections of events are heeded.
select seq from computed_corrected;

-- name: heed_corrections
-- Up to here they are heeded.
update computed_corrected set seq = %(seq)s;

-- name: drop_tallies_of
-- What some people's events added up to is worked out anew.
delete from trait_tally where computed_id = %(id)s and profile_id = any(%(ids)s::bigint[]);

-- name: oldest_hot
-- The earliest day whose events are in PostgreSQL.
select min(to_date(right(c.relname, 8), 'YYYYMMDD')) from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'event'::regclass;

-- name: newcomers
-- New people who have not got every default.
select id from profile where id > %(after)s and merged_into is null and not traits ?& %(names)s::text[] order by id limit %(limit)s;

-- name: read_newcomers
-- How far new people were looked at, held; nothing when that was a moment ago.
select mark, before, (select coalesce(max(id), 0) from profile) as last from computed_newcomers where at < clock_timestamp() - interval '20 seconds' for update;

-- name: move_newcomers
-- They were looked at again.
update computed_newcomers set mark = %(mark)s, before = %(before)s, at = case when %(again)s then at else clock_timestamp() end;

-- name: recent_doers
-- Some people who did one of these lately.
select distinct profile_id from (
    select e.profile_id from event e where e.name = any(%(names)s::text[]) and e.profile_id is not null order by e.received_at desc limit %(limit)s
) few;

-- name: erase_tallies
-- Erasure: what their events added up to.
delete from trait_tally where profile_id = any(%(ids)s::bigint[]);

-- name: erase_queued
-- Erasure: the queue.
delete from computed_dirty where profile_id = any(%(ids)s::bigint[]);
