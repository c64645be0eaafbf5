-- name: search
-- Deliveries by any of their marks, newest first; the queue says how far an open one is.
select d.id, d.profile_id, d.campaign_id, d.channel, d.message_class, d.topic, d.address,
       case when q.state in ('claimed', 'speaking') then q.state else d.state end as state,
       d.reason, d.planned_at, d.due_at, d.sent_at, d.delivered_at, d.bounced_at, d.opened_at, d.clicked_at,
       d.unsubscribed_at, d.complained_at, d.ended_at, d.attempts, d.next_attempt_at, d.detail,
       case when %(named)s then coalesce(p.traits ->> 'name', nullif(case
               when concat(n.last, n.first) ~ '^[\u3400-\u9fff·]+$' then concat(n.last, n.first)  -- the surname first, in Chinese
               else trim(concat_ws(' ', n.first, n.last)) end, '')) end as customer
from delivery d
left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
left join alias a on a.from_id = d.profile_id
left join profile p on p.id = coalesce(a.to_id, d.profile_id)
cross join lateral (select coalesce(p.traits ->> 'firstName', p.traits ->> 'first_name') as first,
    coalesce(p.traits ->> 'lastName', p.traits ->> 'last_name') as last) n
where (%(before)s::bigint is null or d.id < %(before)s)
  and (%(campaign_id)s::bigint is null or d.campaign_id = %(campaign_id)s)
  and (%(profile_ids)s::bigint[] is null or d.profile_id = any(%(profile_ids)s))
  and (%(address)s::text is null or d.id = any(%(said_to)s::bigint[]))
  and (%(states)s::text[] is null or d.state = any(%(states)s) or q.state = any(%(states)s))
  and (%(reason)s::text is null or d.reason = %(reason)s)
  and (%(message_class)s::text is null or d.message_class = %(message_class)s)
  and (%(channel)s::text is null or d.channel = %(channel)s)
  and (%(account_id)s::bigint is null or d.account_id = %(account_id)s)
  and (%(provider_id)s::text is null or d.provider_id = %(provider_id)s)
  and (%(since)s::timestamptz is null or d.planned_at >= %(since)s)
  and (%(until)s::timestamptz is null or d.planned_at < %(until)s)
  and (%(was)s::text is null
       or case %(was)s
          when 'sent' then d.sent_at is not null
          when 'passed' then d.queued_at is not null
          when 'delivered' then d.state = 'delivered'
          when 'bounced' then d.bounced_at is not null
          when 'opened' then d.opened_at is not null
          when 'clicked' then d.clicked_at is not null
          when 'replied' then d.replied_at is not null
          when 'unsubscribed' then d.unsubscribed_at is not null
          when 'complained' then d.complained_at is not null end)
order by d.id desc
limit %(limit)s;

-- name: said_to
-- The deliveries to an address.
select coalesce(array_agg(id), '{}') from deliveries_to(%(address)s);

-- name: find_delivery
-- One delivery with everything the ledger knows.
select d.id, d.profile_id, d.intent_key, d.dispatch_id, d.campaign_id, d.occurrence, d.channel, d.account_id,
       d.message_class, d.topic, d.template_version_id, d.address,
       case when q.state in ('claimed', 'speaking') then q.state else d.state end as state,
       d.reason, d.planned_at, d.due_at, d.expires_at, d.queued_at, coalesce(q.claimed_at, d.claimed_at) as claimed_at,
       coalesce(q.speaking_at, d.speaking_at) as speaking_at, d.sent_at, d.delivered_at, d.bounced_at, d.opened_at,
       d.clicked_at, d.unsubscribed_at, d.complained_at, d.deferred_at, d.replied_at,
       d.ended_at, d.opens, d.clicks, d.attempts, d.next_attempt_at,
       d.provider_id, d.detail, d.hop, d.origin_id, t.title as topic_title, c.name as account_name
from delivery d
left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
left join topic t on t.name = d.topic
left join channel_account c on c.id = d.account_id
where d.id = %(id)s;

-- name: export_deliveries
-- Everything said to one customer, for their own copy.
select id, channel, message_class, topic, address, state, reason, planned_at, sent_at, delivered_at, bounced_at,
       opened_at, clicked_at, unsubscribed_at, complained_at
from delivery where profile_id = any(%(profile_ids)s) order by id;

-- name: erase_queue
-- Nothing more is said to an erased customer.
delete from delivery_queue where profile_id = any(%(profile_ids)s);

-- name: erase_settle
-- Nothing more is heard of what was said to an erased customer.
delete from delivery_settle where profile_id = any(%(profile_ids)s);

-- name: erase_deliveries
-- The rows of an erased customer stay, so that campaigns' numbers do, but are nobody's any more: no person, no
-- address, no words. A negative id is one that no customer has and no other row shares.
update delivery set profile_id = -id, address = null, variables = null, detail = null, provider_id = null,
    state = case when state in ('planned', 'queued') then 'suppressed' else state end,
    reason = case when state in ('planned', 'queued') then 'no_such_customer' else reason end,
    ended_at = coalesce(ended_at, %(now)s)
where profile_id = any(%(profile_ids)s);

-- name: overview
-- What waits to be said and what may still bounce: counted while it is few, estimated when it is many.
select case when q.n < 100000 then q.n else greatest(q.n, (
           select reltuples::bigint from pg_class where oid = 'delivery_queue'::regclass)) end as waiting,
       case when s.n < 100000 then s.n else greatest(s.n, (
           select reltuples::bigint from pg_class where oid = 'delivery_settle'::regclass)) end as settling
from (select count(*) as n from (select 1 from delivery_queue limit 100000) x) q,
     (select count(*) as n from (select 1 from delivery_settle where due_at > %(now)s limit 100000) x) s;

-- name: export_interventions
-- What people did to messages of one customer, for their own copy.
select delivery_id, verb, at, state, reason, sent_at from delivery_intervention
where profile_id = any(%(profile_ids)s) order by id;

-- name: erase_interventions
-- That something was done to a message stays, as the message does; whose it was does not.
update delivery_intervention set profile_id = -delivery_id, detail = null where profile_id = any(%(profile_ids)s);

-- name: export_verifications
-- What a customer was asked to prove.
select v.id, v.state, v.created_at, v.ended_at, f.channel, f.fallback, f.address, f.sendings, f.wrong, f.passed_at
from verification v join verification_factor f on f.verification_id = v.id and f.profile_id = v.profile_id
where v.profile_id = any(%(profile_ids)s) order by v.id, f.factor;

-- name: erase_verification_factors
-- Nothing of what was proved stays.
delete from verification_factor where profile_id = any(%(profile_ids)s);

-- name: erase_verifications
-- Nor that it was.
delete from verification where profile_id = any(%(profile_ids)s);

-- name: veil_contents
-- A text that was said to an erased customer alone is forgotten with them, those of its later hops included.
with recursive chain as (
    select id, next_id from dispatch where id = any(%(ids)s::bigint[])
    union
    select d.id, d.next_id from chain c join dispatch d on d.id = c.next_id
)
update dispatch set content = case when content is not null then '{"subject": "", "text": ""}'::jsonb end,
    hops = coalesce((select jsonb_agg(h - 'content') from jsonb_array_elements(hops) h), '[]')
where id in (select id from chain);

-- name: erase_displaced
-- Erasure: what waits for room.
delete from delivery_displaced where profile_id = any(%(profile_ids)s);
