-- name: remember
-- What a customer said last on a channel.
insert into dialogue (profile_id, channel, at, text, delivery_id)
values (%(profile_id)s, %(channel)s, %(at)s, %(text)s, %(delivery_id)s)
on conflict (profile_id, channel) do update set at = excluded.at, text = excluded.text, delivery_id = excluded.delivery_id
where dialogue.at <= excluded.at;

-- name: export_dialogue
-- What a customer said last, by channel.
select channel, at, text, delivery_id from dialogue where profile_id = any(%(profile_ids)s::bigint[]) order by at;

-- name: export_asked
-- What other systems were asked about a customer.
select a.journey_id, a.step, a.asked_at, a.body, a.state, a.status, a.reason, a.ended_at, r.url
from journey_ask a join journey_request r on r.id = a.request_id
where a.profile_id = any(%(profile_ids)s::bigint[]) order by a.asked_at, a.run_id;

-- name: export_raised
-- Events journeys raise for a customer that are not in the journal yet.
select convert_from(payload, 'UTF8')::jsonb as event from journey_outgoing where profile_id = any(%(profile_ids)s::bigint[]) order by id;

-- name: erase_raised
-- Erasure: events of theirs that are not in the journal yet.
delete from journey_outgoing where profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_dialogue
-- Erasure: what they said.
delete from dialogue where profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_asked
-- Erasure: what was asked about them; an answer under way finds nobody.
delete from journey_ask where profile_id = any(%(profile_ids)s::bigint[]);
