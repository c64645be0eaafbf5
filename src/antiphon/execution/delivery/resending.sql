-- name: matching
-- Deliveries in final states by their marks, newest first.
select d.id from delivery d
where (%(before)s::bigint is null or d.id < %(before)s)
  and d.state = any(%(states)s::text[]) and d.profile_id >= 0
  and (%(campaign_id)s::bigint is null or d.campaign_id = %(campaign_id)s)
  and (%(profile_ids)s::bigint[] is null or d.profile_id = any(%(profile_ids)s))
  and (%(address)s::text is null or d.id = any(%(said_to)s::bigint[]))
  and (%(reason)s::text is null or d.reason = %(reason)s)
  and (%(message_class)s::text is null or d.message_class = %(message_class)s)
order by d.id desc limit %(limit)s;

-- name: count_matching
-- How many deliveries in final states bear these marks.
select count(*) from delivery d
where d.state = any(%(states)s::text[]) and d.profile_id >= 0
  and (%(campaign_id)s::bigint is null or d.campaign_id = %(campaign_id)s)
  and (%(profile_ids)s::bigint[] is null or d.profile_id = any(%(profile_ids)s))
  and (%(address)s::text is null or d.id = any(%(said_to)s::bigint[]))
  and (%(reason)s::text is null or d.reason = %(reason)s)
  and (%(message_class)s::text is null or d.message_class = %(message_class)s);

-- name: requeue
-- Say again what was not said: into the queue as if it had just passed the gate, which looks again before it is spoken.
-- What may have been heard, by this hop or another of its chain, is said again only where the class is or a person says
-- so; what the person or the campaign was refused for is not, nor is a code that has run out.
with picked as materialized (
    select d.id, d.profile_id, d.bucket, d.dispatch_id, d.state, d.reason, d.detail, d.sent_at,
           %(now)s::timestamptz + make_interval(secs => c.secs) as expires_at,
           case when d.state = 'unknown' then 1 else 0 end as tried,  -- of one tried before, a late receipt is believed
           coalesce(a.to_id, d.profile_id) as person_id
    from delivery d
    left join alias a on a.from_id = d.profile_id
    join dispatch p on p.id = d.dispatch_id and p.state <> 'cancelled'
    join unnest(%(classes)s::text[], %(lifetimes)s::float8[]) as c (name, secs) on c.name = d.message_class
    where d.id = any(%(ids)s::bigint[]) and d.profile_id >= 0 and d.address is not null
      and d.state = any(%(states)s::text[])
      and (d.state in ('failed', 'expired', 'bounced')
        or d.state = 'suppressed' and d.reason <> all(%(stops)s::text[])
        or d.state = 'unknown' and (%(even_if_heard)s or d.message_class = any(%(resend_classes)s::text[])))
      and (d.message_class <> 'one_time_code' or d.expires_at > %(now)s)
      and (%(even_if_heard)s or not exists (
        select 1 from delivery o
        where (o.id = coalesce(d.origin_id, d.id) or o.origin_id = coalesce(d.origin_id, d.id))
          and o.profile_id = d.profile_id and o.id <> d.id
          and o.state in ('planned', 'queued', 'sent', 'delivered', 'unknown')))
    order by d.id for update of d
), queued as (
    insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, due_at, expires_at, attempts)
    select id, profile_id, dispatch_id, bucket, %(now)s, expires_at, tried from picked
    on conflict do nothing
    returning delivery_id
), uncounted as (  -- what may have been received still counts, beside what is said now
    delete from contact c using picked p
    where c.profile_id = p.person_id and c.delivery_id = p.id and p.state <> 'unknown'
      and p.id in (select delivery_id from queued)
), unwatched as (
    delete from delivery_watch w using picked p where w.delivery_id = p.id and w.profile_id = p.profile_id
), ledger as (
    update delivery d set state = 'queued', reason = null, detail = null, ended_at = null, sent_at = null,
        delivered_at = null, bounced_at = null, speaking_at = null, claimed_at = null, next_attempt_at = null, attempts = p.tried,
        queued_at = %(now)s, due_at = %(now)s, expires_at = p.expires_at, expires_asked = false
    from picked p where d.id = p.id and d.profile_id = p.profile_id and d.id in (select delivery_id from queued)
    returning d.id
), noted as (
    insert into delivery_intervention (delivery_id, profile_id, verb, at, by, state, reason, detail, sent_at)
    select p.id, p.profile_id, %(verb)s, %(now)s, %(by)s, p.state, p.reason, p.detail, p.sent_at
    from picked p where p.id in (select id from ledger)
)
select p.id, p.person_id, p.dispatch_id from picked p join ledger l on l.id = p.id order by p.id;

-- name: resolve
-- What nobody knew is known: it was delivered, or it was not.
with picked as materialized (
    select d.id, d.profile_id, d.state, d.reason, d.detail, d.sent_at
    from delivery d
    where d.id = any(%(ids)s::bigint[]) and d.profile_id >= 0 and d.state = 'unknown'
    order by d.id for update of d
), ledger as (
    update delivery d set
        state = case when %(arrived)s then 'delivered' else 'failed' end,
        reason = case when %(arrived)s then 'resolved_delivered' else 'resolved_not_delivered' end,
        sent_at = case when %(arrived)s then coalesce(d.sent_at, d.speaking_at, %(now)s) else null end,
        delivered_at = case when %(arrived)s then %(now)s::timestamptz end,
        ended_at = %(now)s
    from picked p where d.id = p.id and d.profile_id = p.profile_id
    returning d.id, d.profile_id, d.campaign_id, d.template_version_id, d.channel, d.topic, d.delivered_at
), noted as (
    insert into delivery_intervention (delivery_id, profile_id, verb, at, by, state, reason, detail, sent_at)
    select p.id, p.profile_id, case when %(arrived)s then 'delivered' else 'not_delivered' end, %(now)s, %(by)s, p.state,
           p.reason, p.detail, p.sent_at
    from picked p
)
select l.id, l.profile_id, coalesce(a.to_id, l.profile_id) as person, l.campaign_id, v.template_id, l.template_version_id,
       l.channel, l.topic, l.delivered_at
from ledger l left join alias a on a.from_id = l.profile_id
left join template_version v on v.id = l.template_version_id;

-- name: interventions_of
-- What people did to one delivery, oldest first.
select verb, at, by, state, reason, detail, sent_at from delivery_intervention where delivery_id = %(id)s order by id;
