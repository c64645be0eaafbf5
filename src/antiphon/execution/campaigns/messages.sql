-- name: published
-- The channel and the newest published version of templates.
select t.id, t.channel, (
    select v.id from template_version v where v.template_id = t.id and v.state = 'published' order by v.number desc limit 1
) as version_id
from template t where t.id = any(%(ids)s::bigint[]);

-- name: claim_keys
-- Requests with keys, in one order for everybody; those whose key was used before are not among the answer.
insert into message_request (owner, key, body, at)
select owner, key, body, %(now)s from unnest(%(owners)s::text[], %(keys)s::bytea[], %(bodies)s::bytea[]) r (owner, key, body)
order by owner, key
on conflict (owner, key) do nothing
returning id, owner, key;

-- name: used_keys
-- What was asked by these keys before, and the delivery it became.
select r.owner, r.key, r.body, d.id, d.profile_id, d.state, d.reason
from unnest(%(owners)s::text[], %(keys)s::bytea[]) k (owner, key)
join message_request r on r.owner = k.owner and r.key = k.key
left join delivery d on d.id = r.delivery_id;

-- name: ledger_rows
-- The rows that intents became.
select d.profile_id, d.intent_key, d.id, d.state, d.reason
from unnest(%(profile_ids)s::bigint[], %(intent_keys)s::text[]) k (profile_id, intent_key)
join delivery d on d.profile_id = k.profile_id and d.intent_key = k.intent_key;

-- name: settle_keys
-- What the requests became.
update message_request r set delivery_id = k.delivery_id
from unnest(%(ids)s::bigint[], %(owners)s::text[], %(keys)s::bytea[], %(delivery_ids)s::bigint[]) k (id, owner, key, delivery_id)
where r.owner = k.owner and r.key = k.key and r.id = k.id;

-- name: forget_keys
-- Keys that may be used again.
delete from message_request where (owner, key) in (select owner, key from message_request where at < %(before)s limit 5000);

-- name: read_message
-- A message handed in by the API and every hop of it, the first hop first.
select d.id, d.profile_id, d.hop, d.channel, d.address,
       case when q.state in ('claimed', 'speaking') then q.state else d.state end as state,
       d.reason, d.planned_at, d.due_at, d.expires_at, d.sent_at, d.delivered_at, d.bounced_at, d.opened_at, d.clicked_at,
       d.replied_at, d.ended_at, d.attempts, d.next_attempt_at, d.parts, d.cost_micros, d.detail, d.message_class, d.topic,
       d.variables -> 'metadata' as metadata
from delivery d
join dispatch p on p.id = d.dispatch_id
left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
where (d.id = %(id)s or d.origin_id = %(id)s and d.profile_id = (select profile_id from delivery where id = %(id)s))
  and exists (select 1 from delivery o join dispatch x on x.id = o.dispatch_id where o.id = %(id)s and x.key like 'api:%%')
order by d.hop, d.id;

-- name: note_texts
-- Whom texts of their own were said to.
insert into message_text (profile_id, dispatch_id)
select p, d from unnest(%(profile_ids)s::bigint[], %(dispatch_ids)s::bigint[]) n (p, d) where p > 0
order by 1, 2 on conflict do nothing;

-- name: texts_of_one
-- Texts that were said to this customer and to nobody else.
select dispatch_id from message_text t where profile_id = any(%(profile_ids)s::bigint[])
  and not exists (select 1 from message_text o where o.dispatch_id = t.dispatch_id and o.profile_id <> all(%(profile_ids)s::bigint[]));

-- name: erase_texts
-- Erasure: what texts were said to somebody.
delete from message_text where profile_id = any(%(profile_ids)s::bigint[]);
