-- name: ask
-- These events are to be called otherwise.
insert into event_correction (profile_id, name, becomes, message_ids, asked_at)
select profile_id, name, becomes, array(select jsonb_array_elements_text(ids)), %(at)s
from unnest(%(profile_ids)s::bigint[], %(names)s::text[], %(becomes)s::text[], %(message_ids)s::jsonb[]) a (profile_id, name, becomes, ids);

-- name: waiting
-- The next corrections by every id their people have; whether all that was received before is understood, so that nothing of theirs is still to come.
with unread as (
    select min(received_at) as since from (
        select (select received_at from journal j where j.lane = c.lane and j.seq > c.seq order by j.seq limit 1) as received_at
        from intake_cursor c
    ) waiting
), next as (
    select * from event_correction where id > %(after)s order by id limit %(most)s
)
select n.id, n.name, n.becomes, n.message_ids, coalesce(n.asked_at < u.since, true) as whole,
    array(select n.profile_id union select a.to_id from alias a where a.from_id = n.profile_id
          union select b.from_id from alias b where b.to_id = coalesce((select a.to_id from alias a where a.from_id = n.profile_id limit 1), n.profile_id))
from next n cross join unread u order by n.id;

-- name: rename_hot
-- Rename what PostgreSQL has of them; whose that was.
with wanted as (
    select w.profile_id, w.name, w.becomes, w.message_id
    from unnest(%(profile_ids)s::bigint[], %(names)s::text[], %(becomes)s::text[], %(message_ids)s::text[]) w (profile_id, name, becomes, message_id)
)
update event e set name = w.becomes from wanted w
where e.profile_id = w.profile_id and e.message_id = w.message_id and e.name = w.name and e.source_id = 0
returning e.profile_id, w.name, w.becomes;

-- name: tell
-- Whoever keeps something that follows from these people's events of these names looks again.
insert into event_corrected (profile_id, name)
select distinct profile_id, name from unnest(%(profile_ids)s::bigint[], %(names)s::text[]) t (profile_id, name) order by 1, 2;

-- name: name_them
-- Names there are from now on, as the names they come from.
insert into event_name (name, kind, first_seen, last_seen, properties)
select n.becomes, e.kind, %(at)s, %(at)s, e.properties
from unnest(%(names)s::text[], %(becomes)s::text[]) n (name, becomes) join event_name e on e.name = n.name
group by n.becomes, e.kind, e.properties
on conflict (name, kind) do update set last_seen = greatest(event_name.last_seen, excluded.last_seen);

-- name: done
-- These are corrected wherever they are.
delete from event_correction where id = any(%(ids)s::bigint[]);

-- name: told
-- Whose events of which names were corrected after a place, in order.
select seq, profile_id, name from event_corrected where seq > %(after)s order by seq limit %(most)s;

-- name: reach
-- The last of them.
select coalesce(max(seq), 0) from event_corrected;

-- name: being_corrected
-- People whose events are just being corrected, under the ids that are known of them.
select profile_id from event_correction limit %(most)s;

-- name: forget
-- Nobody has to be told of these any more.
delete from event_corrected where at < clock_timestamp() - %(keep)s::interval;

-- name: erase_corrections
-- Erasure: what was to be corrected.
delete from event_correction where profile_id = any(%(ids)s::bigint[]);

-- name: erase_corrected
-- Erasure: whose was corrected.
delete from event_corrected where profile_id = any(%(ids)s::bigint[]);
