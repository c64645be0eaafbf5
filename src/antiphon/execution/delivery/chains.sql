-- name: link_dispatch
-- Say which dispatch follows this one.
update dispatch set next_id = %(next_id)s where id = %(id)s and next_id is null;

-- name: next_dispatches
-- The dispatches that follow these.
select d.id as after, n.id, n.key, n.channel, n.message_class, n.topic, n.account_id, n.template_version_id, n.content,
       n.campaign_id, n.occurrence, n.track_opens, n.track_clicks, n.state, n.created_at, n.purpose, n.split, n.hops, n.hop, n.priority
from dispatch d join dispatch n on n.id = d.next_id
where d.id = any(%(ids)s);

-- name: refused
-- Of intents just judged: those the gate refused for their channel, not for their person, and that have no next hop yet.
select (i.n - 1)::int as place, coalesce(d.origin_id, d.id) as origin_id
from unnest(%(profile_ids)s::bigint[], %(keys)s::text[], %(next_keys)s::text[])
    with ordinality as i (profile_id, intent_key, next_key, n)
join delivery d on d.profile_id = i.profile_id and d.intent_key = i.intent_key
where d.state = 'suppressed' and d.reason <> all(%(stops)s::text[])
  and not exists (select 1 from delivery x where x.profile_id = i.profile_id and x.intent_key = i.next_key)
order by i.n;

-- name: passed_on
-- Which of these intents will be said by a later hop.
select (i.n - 1)::int as place
from unnest(%(profile_ids)s::bigint[], %(suffixes)s::text[]) with ordinality as i (profile_id, suffix, n)
where exists (
    select 1 from unnest(%(keys)s::text[]) as k (key)
    join delivery d on d.profile_id = i.profile_id and d.intent_key = k.key || i.suffix
    where d.state not in ('suppressed', 'cancelled', 'expired') offset 0);

-- name: mark_hops
-- Rows of later hops name the first of their chain.
update delivery d set hop = %(hop)s, origin_id = i.origin_id
from unnest(%(profile_ids)s::bigint[], %(keys)s::text[], %(origins)s::bigint[]) as i (profile_id, intent_key, origin_id)
where d.profile_id = i.profile_id and d.intent_key = i.intent_key and d.origin_id is null;

-- name: watch
-- Note which of these rows will have to be looked at, and when: one that was not said at once, one that was when its
-- time for a receipt or an answer is over. One that may have been said counts as said, if receipts or answers are waited
-- for; otherwise the next hop follows only in classes that are said again.
insert into delivery_watch (bucket, due_at, delivery_id, profile_id, dispatch_id, wants)
select d.bucket, %(now)s::timestamptz + make_interval(secs => w.secs), d.id, d.profile_id, d.dispatch_id, w.wants
from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as i (id, profile_id)
join delivery d on d.id = i.id and d.profile_id = i.profile_id
join dispatch p on p.id = d.dispatch_id and p.next_id is not null
cross join lateral (
    values ('end', 0::float8), ('receipt', (p.hops #>> '{0,receipt_within}')::float8),
           ('answer', (p.hops #>> '{0,answer_within}')::float8)
) as w (wants, secs)
where case when w.wants = 'end'
    then d.state in ('failed', 'expired', 'bounced') or d.state = 'suppressed' and d.reason <> all(%(stops)s::text[])
      or d.state = 'unknown' and p.message_class = any(%(resend_classes)s::text[])
     and p.hops #>> '{0,receipt_within}' is null and p.hops #>> '{0,answer_within}' is null
    else d.state in ('sent', 'delivered', 'unknown') and w.secs is not null end
on conflict do nothing
returning wants;

-- name: due_watches
-- Take the watches that are due, and tell whose next hop follows: what was not said, or had no receipt or no answer by
-- now, unless one of the chain was answered.
with due as (
    delete from delivery_watch w using (
        select ctid from delivery_watch where bucket = any(%(buckets)s::int[]) and due_at <= %(now)s
        order by bucket, due_at limit %(most)s
    ) c
    where w.ctid = c.ctid
    returning w.delivery_id, w.profile_id, w.wants
), open as (
    select distinct on (d.id, d.profile_id) d.id, d.profile_id, d.dispatch_id, d.intent_key, d.variables::text, d.address,
           d.due_at, d.expires_at, d.expires_asked, coalesce(d.origin_id, d.id) as origin_id
    from due w
    join delivery d on d.id = w.delivery_id and d.profile_id = w.profile_id
    where (d.state in ('failed', 'expired', 'bounced')
        or d.state = 'suppressed' and d.reason <> all(%(stops)s::text[])
        or d.state = 'unknown'
        or w.wants = 'receipt' and (d.state = 'sent' or d.state = 'delivered' and d.reason = 'no_bounce')
        or w.wants = 'answer' and d.state in ('sent', 'delivered'))
      and not exists (
        select 1 from delivery o
        where (o.id = coalesce(d.origin_id, d.id) or o.origin_id = coalesce(d.origin_id, d.id))
          and o.profile_id = d.profile_id
          and (o.opened_at is not null or o.clicked_at is not null or o.replied_at is not null))
)
select (select count(*) from due) as taken, o.id, o.profile_id, o.dispatch_id, o.intent_key, o.variables, o.address,
       o.due_at, o.expires_at, o.expires_asked, o.origin_id
from (select 1) one left join open o on true
order by o.dispatch_id, o.id;

-- name: stop_answered
-- An answer ends its chain: what waits of its later hops is not said any more. So does a receipt, where the next hop was
-- only for want of one.
with heard as materialized (
    select d.id, d.profile_id, d.hop, coalesce(d.origin_id, d.id) as origin_id
    from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as i (id, profile_id)
    join delivery d on d.id = i.id and d.profile_id = i.profile_id
    join dispatch p on p.id = d.dispatch_id and p.next_id is not null
    where d.opened_at is not null or d.clicked_at is not null or d.replied_at is not null
       or d.state = 'delivered' and p.hops #>> '{0,receipt_within}' is not null and p.hops #>> '{0,answer_within}' is null
), later as materialized (
    select o.id, o.profile_id from heard h
    join delivery o on o.origin_id = h.origin_id and o.profile_id = h.profile_id and o.hop > h.hop
), gone as (
    delete from delivery_queue q using later l
    where q.delivery_id = l.id and q.profile_id = l.profile_id and q.state = 'queued'
    returning q.delivery_id, q.profile_id
)
update delivery d set state = 'cancelled', reason = 'answered', ended_at = %(now)s, next_attempt_at = null
from gone g where d.id = g.delivery_id and d.profile_id = g.profile_id
returning d.id;

-- name: answered_before
-- Which of these rows of later hops need not be said any more: an earlier hop was answered, or received where that is
-- what was missed.
select d.id from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as i (id, profile_id)
join delivery d on d.id = i.id and d.profile_id = i.profile_id and d.origin_id is not null
where exists (
    select 1 from delivery o join dispatch p on p.id = o.dispatch_id
    where (o.id = d.origin_id or o.origin_id = d.origin_id) and o.profile_id = d.profile_id and o.hop < d.hop
      and (o.opened_at is not null or o.clicked_at is not null or o.replied_at is not null
        or o.state = 'delivered' and o.reason is distinct from 'no_bounce'
       and p.hops #>> '{0,receipt_within}' is not null and p.hops #>> '{0,answer_within}' is null));

-- name: chain_of
-- The hops of one chain, in order.
select d.id, d.hop, d.channel,
       case when q.state in ('claimed', 'speaking') then q.state else d.state end as state, d.reason, d.address,
       d.due_at, d.sent_at, d.delivered_at, d.opened_at, d.clicked_at, d.replied_at, d.ended_at, d.expires_at,
       d.next_attempt_at, d.attempts, d.detail, t.title as topic_title, d.topic
from delivery d
left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
left join topic t on t.name = d.topic
where d.profile_id = %(profile_id)s and (d.id = %(origin_id)s or d.origin_id = %(origin_id)s)
order by d.hop, d.id;

-- name: chain_waits
-- Whether anything of a dispatch or of those that follow it is still to be said, or may still have to be.
with recursive chain as (
    select id, next_id from dispatch where id = %(dispatch_id)s
    union all
    select d.id, d.next_id from chain c join dispatch d on d.id = c.next_id
)
select exists (
    select 1 from chain c
    where exists (select 1 from delivery_queue q where q.dispatch_id = c.id and q.state = 'queued')
       or exists (select 1 from delivery_queue q where q.dispatch_id = c.id and q.state <> 'queued')
       or exists (select 1 from delivery_watch w where w.dispatch_id = c.id)
);

-- name: erase_watch
-- Nothing more is looked at for an erased customer.
delete from delivery_watch where profile_id = any(%(profile_ids)s);

-- name: dispatches
-- Dispatches by id.
select id, key, channel, message_class, topic, account_id, template_version_id, content, campaign_id, occurrence,
       track_opens, track_clicks, state, created_at, purpose, split, hops, hop, priority
from dispatch where id = any(%(ids)s);
