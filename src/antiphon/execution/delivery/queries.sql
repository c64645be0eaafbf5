-- name: open_dispatch
-- A dispatch by its key: made at the first call, found at every other.
with made as (
    insert into dispatch (key, campaign_id, occurrence, channel, account_id, message_class, topic, template_version_id,
                          content, track_opens, track_clicks, created_at, purpose, split, hops, hop, priority)
    values (%(key)s, %(campaign_id)s, %(occurrence)s, %(channel)s, %(account_id)s, %(message_class)s, %(topic)s,
            %(template_version_id)s, %(content)s, %(track_opens)s, %(track_clicks)s, %(now)s, %(purpose)s, %(split)s,
            %(hops)s, %(hop)s, %(priority)s)
    on conflict (key) do nothing
    returning id, key, channel, message_class, topic, account_id, template_version_id, content, campaign_id,
              occurrence, track_opens, track_clicks, state, created_at, purpose, split, hops, hop, priority
)
select * from made
union all
select id, key, channel, message_class, topic, account_id, template_version_id, content, campaign_id, occurrence,
       track_opens, track_clicks, state, created_at, purpose, split, hops, hop, priority
from dispatch where key = %(key)s and not exists (select 1 from made);

-- name: find_dispatches
-- Dispatches by id.
select id, key, channel, message_class, topic, account_id, template_version_id, content, campaign_id, occurrence,
       track_opens, track_clicks, state, created_at, purpose, split, hops, hop, priority
from dispatch where id = any(%(ids)s);

-- name: dispatch_of
-- A dispatch by its key.
select id, key, channel, message_class, topic, account_id, template_version_id, content, campaign_id, occurrence,
       track_opens, track_clicks, state, created_at, purpose, split, hops, hop, priority
from dispatch where key = %(key)s;

-- name: hold_dispatches
-- Pause, go on with, or cancel everything of a campaign; what was cancelled stays so.
update dispatch set state = %(state)s
where campaign_id = %(campaign_id)s and state <> 'cancelled' and state <> %(state)s
returning id;

-- name: no_waiting
-- This transaction need not be on disk before the next one begins; nothing that comes after it is there without it.
set local synchronous_commit = off;

-- name: find_by_key
-- The ledger row of one intent.
select id, state, reason from delivery where profile_id = %(profile_id)s and intent_key = %(intent_key)s;

-- name: waiting_dispatches
-- Which dispatches have something queued, found by stepping through the queue's index, most urgent class first.
with recursive waiting as (
    (select dispatch_id from delivery_queue where state = 'queued' order by dispatch_id limit 1)
    union all
    select (select q.dispatch_id from delivery_queue q
            where q.state = 'queued' and q.dispatch_id > w.dispatch_id order by q.dispatch_id limit 1)
    from waiting w where w.dispatch_id is not null
)
select d.id, d.key, d.channel, d.message_class, d.topic, d.account_id, d.template_version_id, d.content,
       d.campaign_id, d.occurrence, d.track_opens, d.track_clicks, d.state, d.created_at, d.purpose, d.split, d.hops, d.hop, d.priority
from waiting w join dispatch d on d.id = w.dispatch_id
order by array_position(%(classes)s::text[], d.message_class), d.priority, d.id;

-- name: claim
-- Take what is due of these dispatches in the buckets held, so many of each, with all that is needed to write it.
with due as (
    select q.delivery_id, q.profile_id, q.epoch
    from unnest(%(dispatches)s::bigint[], %(mosts)s::int[]) as s (dispatch_id, most)
    cross join lateral (
        select q.delivery_id, q.profile_id, h.epoch
        from unnest(%(buckets)s::int[], %(epochs)s::bigint[]) as h (bucket, epoch)
        cross join lateral (
            select q.delivery_id, q.profile_id from delivery_queue q
            where q.dispatch_id = s.dispatch_id and q.bucket = h.bucket and q.state = 'queued' and q.due_at <= %(now)s
            order by q.due_at limit %(each)s
        ) q
        limit s.most
    ) q
    limit %(most)s
), claimed as (
    update delivery_queue q set state = 'claimed', claimed_at = %(now)s, epoch = due.epoch
    from due where q.delivery_id = due.delivery_id and q.profile_id = due.profile_id
    returning q.delivery_id, q.profile_id, q.dispatch_id, q.bucket, q.epoch, q.attempts, q.expires_at, q.claimed_at, q.avoid,
              q.budgets, q.reserved_micros, q.reserved_at
)
select c.delivery_id, c.profile_id, c.dispatch_id, c.bucket, c.epoch, c.attempts, c.expires_at, c.claimed_at,
       d.address, d.variables::text, p.traits::text, w.value #>> '{}' as language, c.avoid, c.budgets, c.reserved_micros,
       c.reserved_at
from claimed c
join delivery d on d.id = c.delivery_id and d.profile_id = c.profile_id
cross join lateral (  -- a test alone is written as to somebody else
    select case when d.message_class = 'test' then coalesce((d.variables ->> '_as')::bigint, c.profile_id) else c.profile_id end
) o (id)
left join alias a on a.from_id = o.id
left join profile p on p.id = coalesce(a.to_id, o.id)
left join preference w on w.profile_id = p.id and w.aspect = 'language'
order by c.dispatch_id, c.bucket, c.delivery_id;

-- name: mark_speaking
-- The point of no return: from here a crash leaves these rows unknown. The fence is part of the statement, which is the
-- whole transaction: without every lease it was asked under, and without each row still claimed in our epoch, none is marked:
-- it divides by nothing then, and fails. What was marked and not said would be unknown.
with held as materialized (
    select bucket from lease
    where loop = %(loop)s and owner = %(owner)s
      and (bucket, epoch) in (select * from unnest(%(buckets)s::int[], %(lease_epochs)s::bigint[]))
    for key share
), marked as (
    update delivery_queue q set state = 'speaking', speaking_at = %(now)s
    from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[], %(epochs)s::bigint[]) as g (delivery_id, profile_id, epoch)
    where (select count(*) from held) = cardinality(%(buckets)s::int[])
      and q.delivery_id = g.delivery_id and q.profile_id = g.profile_id and q.epoch = g.epoch
      and q.state in ('claimed', 'speaking')
    returning 1
)
select count(*) / (count(*) = cardinality(%(ids)s::bigint[]))::int from marked;

-- name: record
-- Write what became of messages: final ones leave the queue, put-off ones return to it, sent ones wait for a bounce; what
-- they cost is paid, and the names their provider has for them, one for each part, are kept.
-- A message that was sent is recorded whoever holds its row by now; anything else only by who holds it.
with receipt as materialized (
    select * from unnest(
        %(ids)s::bigint[], %(profile_ids)s::bigint[], %(epochs)s::bigint[], %(states)s::text[], %(reasons)s::text[],
        %(details)s::text[], %(provider_ids)s::text[], %(retry_ats)s::timestamptz[], %(attempts)s::int[],
        %(claimed_ats)s::timestamptz[], %(speaking_ats)s::timestamptz[], %(accounts)s::bigint[], %(parts)s::int[],
        %(costs)s::bigint[], %(avoids)s::bigint[]
    ) as r (delivery_id, profile_id, epoch, state, reason, detail, provider_id, retry_at, attempts, claimed_at, speaking_at,
            account_id, parts, cost_micros, avoid)
), left_queue as (
    delete from delivery_queue q using receipt r
    where q.delivery_id = r.delivery_id and q.profile_id = r.profile_id and r.retry_at is null
      and (r.state = 'sent' or q.epoch = r.epoch and q.state <> 'queued')
    returning q.delivery_id, q.budgets, q.reserved_at, r.cost_micros
), put_off as (
    update delivery_queue q set state = 'queued', due_at = r.retry_at, attempts = r.attempts, epoch = null,
        claimed_at = null, speaking_at = null, avoid = nullif(r.avoid, 0)
    from receipt r
    where q.delivery_id = r.delivery_id and q.profile_id = r.profile_id and r.retry_at is not null
      and q.epoch = r.epoch and q.state <> 'queued'
    returning q.delivery_id
), mine as (
    select r.* from receipt r
    where r.state = 'sent' or r.delivery_id in (select delivery_id from left_queue union all select delivery_id from put_off)
), ledger as (
    update delivery d set
        state = r.state,
        reason = r.reason,
        detail = r.detail,
        provider_id = coalesce(r.provider_id, d.provider_id),
        account_id = coalesce(nullif(r.account_id, 0), d.account_id),
        attempts = r.attempts,
        next_attempt_at = r.retry_at,
        claimed_at = r.claimed_at,
        speaking_at = coalesce(r.speaking_at, d.speaking_at),
        sent_at = case when r.state = 'sent' then %(now)s else d.sent_at end,
        ended_at = case when r.state in ('sent', 'queued') then null else %(now)s::timestamptz end,
        parts = coalesce(nullif(r.parts, 0), d.parts),
        cost_micros = case when r.parts > 0 then r.cost_micros else d.cost_micros end
    from mine r
    where d.id = r.delivery_id and d.profile_id = r.profile_id and d.state in ('planned', 'queued', 'unknown')
    returning d.id, d.profile_id, d.bucket, d.state, d.channel, d.account_id, d.campaign_id, d.message_class, r.parts,
              r.cost_micros as paid
), settle as (
    insert into delivery_settle (bucket, due_at, delivery_id, profile_id, sent_at)
    select bucket, %(settle_at)s, id, profile_id, %(now)s from ledger where state = 'sent'
), spent as (
    insert into budget_entry (budget_id, reserved_at, reserved_micros, spent_micros)
    select b.id, l.reserved_at, 0, sum(l.cost_micros)
    from left_queue l cross join unnest(l.budgets) as b (id)
    where l.budgets is not null and l.cost_micros > 0 group by b.id, l.reserved_at
), paid as (
    insert into cost_entry (day, channel, account_id, campaign_id, message_class, messages, parts, micros)
    select (%(now)s::timestamptz at time zone 'UTC')::date, channel, account_id, coalesce(campaign_id, 0), message_class,
           count(*), sum(parts), sum(paid)
    from ledger where paid > 0 group by channel, account_id, campaign_id, message_class
), named as (
    insert into provider_message (account_id, provider_id, delivery_id, profile_id, at, parts)
    select distinct on (n.account_id, n.provider_id, n.profile_id)
           n.account_id, n.provider_id, n.delivery_id, n.profile_id, %(now)s, n.parts
    from unnest(%(named_accounts)s::bigint[], %(names)s::text[], %(named_ids)s::bigint[], %(named_profiles)s::bigint[],
                %(named_parts)s::int[]) as n (account_id, provider_id, delivery_id, profile_id, parts)
    where n.delivery_id in (select id from ledger)  -- not of somebody who was erased meanwhile
       or exists (select 1 from delivery d where d.id = n.delivery_id and d.profile_id = n.profile_id
                  and d.state not in ('planned', 'queued', 'unknown'))
    on conflict (account_id, provider_id, profile_id) do update set delivery_id = excluded.delivery_id, at = excluded.at,
        parts = excluded.parts, delivered_at = null
)
select id from ledger;

-- name: unclaim
-- Give claimed rows back unsaid, to come again at an instant of their own: nothing of them reached the other side.
update delivery_queue q set state = 'queued', epoch = null, claimed_at = null, due_at = greatest(q.due_at, g.due_at)
from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[], %(epochs)s::bigint[], %(due_ats)s::timestamptz[])
    as g (delivery_id, profile_id, epoch, due_at)
where q.delivery_id = g.delivery_id and q.profile_id = g.profile_id and q.epoch = g.epoch and q.state = 'claimed';

-- name: recover
-- Rows a dead or fenced process left behind in buckets we hold now, where we have nothing in hand: what it had only
-- claimed returns to the queue; what it was speaking is unknown, unless its class is said again.
with stale as materialized (
    select q.delivery_id, q.profile_id, q.state, q.attempts, q.claimed_at, q.speaking_at,
           p.message_class = any(%(resend_classes)s::text[]) and q.attempts + 1 < %(most_attempts)s as again
    from delivery_queue q join dispatch p on p.id = q.dispatch_id
    where q.state <> 'queued' and q.bucket = any(%(buckets)s::int[])
    limit 20000
), returned as (
    update delivery_queue q set state = 'queued', epoch = null, claimed_at = null, speaking_at = null,
        attempts = q.attempts + case when s.state = 'speaking' then 1 else 0 end
    from stale s
    where q.delivery_id = s.delivery_id and q.profile_id = s.profile_id and (s.state = 'claimed' or s.again)
    returning q.delivery_id
), lost as (
    delete from delivery_queue q using stale s
    where q.delivery_id = s.delivery_id and q.profile_id = s.profile_id and s.state = 'speaking' and not s.again
    returning q.delivery_id, q.profile_id, q.budgets, q.reserved_micros, q.reserved_at, s.claimed_at, s.speaking_at, s.attempts
), spent as (
    insert into budget_entry (budget_id, reserved_at, reserved_micros, spent_micros)
    select b.id, l.reserved_at, 0, sum(l.reserved_micros)
    from lost l cross join unnest(l.budgets) as b (id) where l.budgets is not null group by b.id, l.reserved_at
), ledger as (
    update delivery d set state = 'unknown', reason = 'process_died', claimed_at = l.claimed_at,
        speaking_at = l.speaking_at, attempts = l.attempts + 1, ended_at = %(now)s, cost_micros = l.reserved_micros
    from lost l where d.id = l.delivery_id and d.profile_id = l.profile_id and d.state in ('planned', 'queued')
    returning d.id, d.profile_id
)
select (select count(*) from returned) as returned, coalesce(array_agg(id), '{}') as unknown,
       coalesce(array_agg(profile_id), '{}') as profile_ids
from ledger;

-- name: cancel_queued
-- Take what waits of cancelled dispatches out of the queue, in the buckets held.
with gone as (
    delete from delivery_queue q using (
        select q.delivery_id, q.profile_id from delivery_queue q
        where q.dispatch_id = any(%(dispatches)s::bigint[]) and q.bucket = any(%(buckets)s::int[]) and q.state = 'queued'
        limit %(most)s
    ) c
    where q.delivery_id = c.delivery_id and q.profile_id = c.profile_id
    returning q.delivery_id, q.profile_id
), ledger as (
    update delivery d set state = 'cancelled', reason = 'campaign_cancelled', ended_at = %(now)s, next_attempt_at = null
    from gone g where d.id = g.delivery_id and d.profile_id = g.profile_id
    returning d.id
)
select count(*) from ledger;

-- name: settle
-- Sent messages that did not bounce in time are delivered; their settle rows go.
with due as (
    delete from delivery_settle s using (
        select ctid from delivery_settle
        where bucket = any(%(buckets)s::int[]) and due_at <= %(now)s
        limit %(most)s
    ) c
    where s.ctid = c.ctid
    returning s.delivery_id, s.profile_id, s.due_at, s.sent_at
), settled as (
    update delivery d set state = 'delivered', reason = 'no_bounce', delivered_at = due.due_at, ended_at = due.due_at
    from due where d.id = due.delivery_id and d.profile_id = due.profile_id and d.state = 'sent'
      and (due.sent_at is null or due.sent_at = d.sent_at)  -- said again meanwhile: its own row settles that
    returning d.id, d.profile_id, d.campaign_id, d.template_version_id, d.channel, d.topic, d.delivered_at
)
select (select count(*) from due) as taken, s.id, coalesce(a.to_id, s.profile_id) as profile_id, s.campaign_id,
       v.template_id, s.template_version_id, s.channel, s.topic, s.delivered_at
from (select 1) one left join settled s on true left join alias a on a.from_id = s.profile_id
left join template_version v on v.id = s.template_version_id;

-- name: first_account
-- The account a message takes when its author named none: the oldest that is switched on.
select id from channel_account where channel = %(channel)s and enabled order by id limit 1;
