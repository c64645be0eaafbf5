-- name: place_by_id
-- Which deliveries providers mean by their own ids. One that is used again, as by an SMSC that counts anew, is the later message's.
select m.account_id, m.provider_id, m.delivery_id, m.profile_id, m.parts::int
from unnest(%(accounts)s::bigint[], %(provider_ids)s::text[]) as n (account_id, provider_id)
cross join lateral (
    select * from provider_message m where m.account_id = n.account_id and m.provider_id = n.provider_id
    order by m.at desc, m.delivery_id desc limit 1
) m;

-- name: hold_parts
-- Nobody else notes receipts of these messages' parts until the transaction ends, so that the last one sees all others.
select 1 from provider_message where delivery_id = any(%(ids)s::bigint[]) and parts > 1
order by account_id, provider_id, profile_id for update;

-- name: note_parts
-- Receipts of single parts; those messages of which every part has one by now, and when the last arrived.
with news as (
    select * from unnest(%(accounts)s::bigint[], %(provider_ids)s::text[], %(profile_ids)s::bigint[], %(ats)s::timestamptz[])
        as n (account_id, provider_id, profile_id, at)
), marked as (
    update provider_message m set delivered_at = least(m.delivered_at, n.at) from news n
    where m.account_id = n.account_id and m.provider_id = n.provider_id and m.profile_id = n.profile_id
    returning m.account_id, m.provider_id, m.profile_id, m.delivery_id, m.delivered_at
), part as (
    select m.delivery_id, m.profile_id, m.parts, m.at, coalesce(k.delivered_at, m.delivered_at) as delivered_at,
           max(m.at) over (partition by m.delivery_id, m.profile_id) as latest
    from provider_message m
    left join marked k on k.account_id = m.account_id and k.provider_id = m.provider_id and k.profile_id = m.profile_id
    where m.delivery_id in (select delivery_id from marked) and m.parts > 1
)
select delivery_id, profile_id, max(delivered_at) from part
where at = latest  -- of a message said again, what was said last
group by delivery_id, profile_id
having count(delivered_at) >= max(parts) and count(delivered_at) = count(*);

-- name: last_said
-- What was said last, not long ago, on these channels to these addresses: what a customer's own message answers. Looked for
-- among what was said to whoever has the address, and outside campaigns; only then in every campaign there was.
select n.channel, n.address, d.id, d.profile_id
from (select distinct * from unnest(%(channels)s::text[], %(addresses)s::text[]) as n (channel, address)) n
cross join lateral (
    with near as materialized (
        select d.id, d.profile_id from (
            select d.id, d.profile_id, d.channel, d.sent_at from identity i
            cross join lateral (select i.profile_id as id union all select a.from_id from alias a where a.to_id = i.profile_id) o
            join delivery d on d.profile_id = o.id and d.address = n.address
            where i.kind = any(array(select name from identity_kind)) and i.value = n.address
            union all
            select d.id, d.profile_id, d.channel, d.sent_at from delivery d
            where d.campaign_id is null and hashtext(d.address) = hashtext(n.address) and d.address = n.address
        ) d
        where d.channel = n.channel and d.sent_at > %(since)s order by d.id desc limit 1
    )
    select id, profile_id from near
    union all
    (select d.id, d.profile_id from deliveries_to(n.address) t
     cross join lateral (select d.* from delivery d where d.id = t.id offset 0) d
     where not exists (select 1 from near) and d.channel = n.channel and d.sent_at > %(since)s order by d.id desc limit 1)
) d;

-- name: hear_once
-- Which of this news was not heard before: told again, it is left out.
insert into signal_heard (account_id, digest, at)
select account_id, digest, %(now)s from unnest(%(accounts)s::bigint[], %(digests)s::bytea[]) as n (account_id, digest)
order by account_id, digest
on conflict do nothing returning account_id, digest;

-- name: wait
-- News of rows that are not recorded yet.
insert into signal_waiting (account_id, provider_id, delivery_id, address, body, at, expires_at)
select account_id, nullif(provider_id, ''), nullif(delivery_id, 0), nullif(address, ''), body, %(now)s, %(expires_at)s
from unnest(%(accounts)s::bigint[], %(provider_ids)s::text[], %(ids)s::bigint[], %(addresses)s::text[], %(bodies)s::bytea[])
    as n (account_id, provider_id, delivery_id, address, body);

-- name: take_waiting
-- Waiting news whose row is there by now.
with ready as (
    (select w.id from signal_waiting w
     join provider_message m on m.account_id = w.account_id and m.provider_id = w.provider_id
     order by w.id limit %(most)s)
    union
    (select w.id from signal_waiting w
     where w.delivery_id is not null and not exists (
         select 1 from delivery_queue q where q.delivery_id = w.delivery_id and q.state in ('claimed', 'speaking'))
     order by w.id limit %(most)s)
)
delete from signal_waiting w using ready r where w.id = r.id returning w.id, w.body;

-- name: expire_waiting
-- Waiting news whose time is out.
delete from signal_waiting where id in (
    select id from signal_waiting where expires_at <= %(now)s order by expires_at limit %(most)s
) returning account_id;

-- name: prune_provider_messages
-- Ids of messages of which no news is to be expected any more.
delete from provider_message where ctid in (
    select ctid from provider_message where at < %(before)s limit %(most)s
);

-- name: prune_heard
-- Digests of news that nobody tells again any more.
delete from signal_heard where ctid in (select ctid from signal_heard where at < %(before)s limit %(most)s);

-- name: hear
-- Note what was heard about deliveries, many at once: counters, first times, and for receipts and bounces the state.
-- Whatever the order the news comes in, and however often, the row ends the same: a bounce is stronger than a receipt, and of
-- two the earlier counts. A bounce may come before its message's own record: then the row is still in the queue, being
-- spoken; a receipt waits for the record. What has a receipt is not said again. One row comes back for each delivery that
-- exists, with what it was before.
with news as (
    select * from unnest(
        %(ids)s::bigint[], %(profile_ids)s::bigint[], %(opens)s::int[], %(clicks)s::int[], %(opened_ats)s::timestamptz[],
        %(clicked_ats)s::timestamptz[], %(unsubscribed_ats)s::timestamptz[], %(complained_ats)s::timestamptz[],
        %(bounced_ats)s::timestamptz[], %(details)s::text[], %(delivered_ats)s::timestamptz[], %(deferred_ats)s::timestamptz[],
        %(replied_ats)s::timestamptz[]
    ) as n (delivery_id, profile_id, opens, clicks, opened_at, clicked_at, unsubscribed_at, complained_at, bounced_at, detail,
            delivered_at, deferred_at, replied_at)
), known as materialized (
    select d.id, d.profile_id, d.dispatch_id, d.hop, d.campaign_id, d.template_version_id, d.channel, d.topic, d.address,
           d.opened_at, d.clicked_at, d.unsubscribed_at, d.complained_at, d.bounced_at, d.state, d.corrections,
           q.state as waiting, q.attempts, q.speaking_at,
           n.bounced_at is not null and d.bounced_at is null
               and (d.state in ('sent', 'delivered', 'unknown') or coalesce(q.state = 'speaking', false)) as bounces,
           n.bounced_at is not null and d.state = 'bounced'
               and (n.bounced_at, coalesce(n.detail, '')) < (d.bounced_at, coalesce(d.detail, '')) as bounced_before
    from news n
    join delivery d on d.id = n.delivery_id and d.profile_id = n.profile_id
    left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
    order by d.id for update of d
), judged as materialized (
    select k.*,
           n.delivered_at is not null and not k.bounces and coalesce(k.waiting in ('claimed', 'speaking'), false) as waits,
           n.delivered_at is not null and not k.bounces
               and (k.state in ('sent', 'unknown', 'delivered') and coalesce(k.waiting, '') not in ('claimed', 'speaking')
                    or coalesce(k.waiting = 'queued' and k.attempts > 0, false)) as delivers
    from news n join known k on k.id = n.delivery_id and k.profile_id = n.profile_id
), unqueued as (
    delete from delivery_queue q using judged j
    where j.delivers and q.delivery_id = j.id and q.profile_id = j.profile_id and q.state = 'queued'
), ledger as (
    update delivery d set
        opens = d.opens + n.opens,
        clicks = d.clicks + n.clicks,
        opened_at = least(d.opened_at, n.opened_at),
        clicked_at = least(d.clicked_at, n.clicked_at),
        unsubscribed_at = least(d.unsubscribed_at, n.unsubscribed_at),
        complained_at = least(d.complained_at, n.complained_at),
        replied_at = least(d.replied_at, n.replied_at),
        deferred_at = greatest(d.deferred_at, n.deferred_at),
        bounced_at = case when j.bounces or j.bounced_before then n.bounced_at else d.bounced_at end,
        delivered_at = case when j.bounces then null
                            when j.delivers then least(case when d.reason = 'receipt' then d.delivered_at end, n.delivered_at)
                            else d.delivered_at end,
        ended_at = case when j.bounces or j.bounced_before then n.bounced_at
                        when j.delivers then least(case when d.reason = 'receipt' then d.delivered_at end, n.delivered_at)
                        else d.ended_at end,
        sent_at = case when j.bounces then coalesce(d.sent_at, d.speaking_at, j.speaking_at, n.bounced_at)
                       when j.delivers then coalesce(d.sent_at, d.speaking_at, j.speaking_at, n.delivered_at)
                       else d.sent_at end,
        next_attempt_at = case when j.delivers then null else d.next_attempt_at end,
        state = case when j.bounces then 'bounced' when j.delivers then 'delivered' else d.state end,
        reason = case when j.bounces then 'bounced' when j.delivers then 'receipt' else d.reason end,
        detail = case when j.bounces or j.bounced_before then n.detail else d.detail end
    from news n join judged j on j.id = n.delivery_id and j.profile_id = n.profile_id
    where d.id = n.delivery_id and d.profile_id = n.profile_id
    returning d.id
)
select j.id, j.profile_id, coalesce(a.to_id, j.profile_id) as person, p.id is not null as person_known,
       j.campaign_id, v.template_id, j.template_version_id, j.channel, j.topic, j.address,
       j.opened_at is null as first_open, j.clicked_at is null as first_click,
       j.unsubscribed_at is null as first_unsubscribe, j.complained_at is null as first_complaint, j.bounces,
       j.delivers and j.state <> 'delivered' as delivers, j.waits, j.hop > 0 or s.next_id is not null as chained, j.corrections
from judged j
left join alias a on a.from_id = j.profile_id
left join profile p on p.id = coalesce(a.to_id, j.profile_id)
left join template_version v on v.id = j.template_version_id
left join dispatch s on s.id = j.dispatch_id
where (select count(*) from ledger) >= 0;

-- name: unsubscribe_page
-- What the hosted page says of a delivery.
select d.channel, d.address, d.topic, t.title as topic_title, d.unsubscribed_at is not null as done
from delivery d left join topic t on t.name = d.topic
where d.id = %(id)s and d.profile_id = %(profile_id)s;

-- name: wanted_topics
-- What a customer's word to start again means on a channel: what they have, and what their word to stop took from them.
select s.topic from consent_state s join consent c on c.id = s.consent_id and c.profile_id = s.profile_id
where s.profile_id = %(profile_id)s and s.channel = %(channel)s
  and (s.state = 'granted' or s.state = 'withdrawn' and c.source like 'unsubscribed%%' and 'granted' = (
      select b.state from consent b
      where b.profile_id = s.profile_id and b.channel = s.channel and b.topic = s.topic and b.id < c.id
      order by b.id desc limit 1));

-- name: find_refusals
-- Calls at accounts' callback addresses that were refused, by cause.
select r.account_id, c.name as account_name, r.cause, r.count, r.first_at, r.last_at, r.last_detail
from callback_refused r left join channel_account c on c.id = r.account_id
where %(account_id)s::bigint is null or r.account_id = %(account_id)s
order by r.last_at desc limit 500;

-- name: count_refusals
-- Add to what was refused.
insert into callback_refused (account_id, cause, count, first_at, last_at, last_detail)
select account_id, cause, n, %(now)s, %(now)s, detail
from unnest(%(accounts)s::bigint[], %(causes)s::text[], %(counts)s::bigint[], %(details)s::text[]) as n (account_id, cause, n, detail)
on conflict (account_id, cause) do update set count = callback_refused.count + excluded.count, last_at = excluded.last_at,
    last_detail = excluded.last_detail;
