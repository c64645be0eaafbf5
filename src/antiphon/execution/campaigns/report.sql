-- name: is_chained
-- Whether anything of it was said, or is to be, by a later channel.
select exists (select 1 from dispatch where campaign_id = %(campaign_id)s and hop > 0);

-- name: report
-- A campaign's numbers, from the ledger in one pass. A person who was written to by several channels is where the last of them
-- is; without hops there is nothing to look for.
select hop, channel, state, reason, is_last, count(*) as people, count(queued_at) as passed, count(sent_at) as sent,
       count(opened_at) as opened, count(clicked_at) as clicked, count(replied_at) as replied,
       count(unsubscribed_at) as unsubscribed, count(complained_at) as complained, count(bounced_at) as bounced,
       coalesce(sum(opens), 0)::bigint as opens, coalesce(sum(clicks), 0)::bigint as clicks,
       coalesce(sum(cost_micros), 0)::bigint as cost_micros
from (
    select d.*, not %(chained)s or not exists (
        select 1 from delivery x where x.origin_id = coalesce(d.origin_id, d.id) and x.hop > d.hop
    ) as is_last
    from delivery d where d.campaign_id = %(campaign_id)s
) d
group by hop, channel, state, reason, is_last;

-- name: reaction
-- How people reacted by hours since their message was sent.
select kind, least(floor(extract(epoch from at - sent_at) / 3600), 168)::int as hour, count(*) as people
from delivery d
cross join lateral (
    values ('opened', d.opened_at), ('clicked', d.clicked_at), ('replied', d.replied_at), ('unsubscribed', d.unsubscribed_at)
) e (kind, at)
where d.campaign_id = %(campaign_id)s and d.sent_at is not null and e.at is not null and e.at >= d.sent_at
group by kind, hour
order by kind, hour;

-- name: timeline
-- What happened when, by hour or day of business time.
select date_trunc(%(step)s, e.at, 'UTC') as at, kind, count(*), coalesce(sum(d.cost_micros) filter (where kind = 'sent'), 0)::bigint
from delivery d
cross join lateral (
    values ('sent', d.sent_at), ('delivered', d.delivered_at), ('bounced', d.bounced_at),
           ('failed', case when d.state in ('failed', 'expired', 'unknown') then d.ended_at end),
           ('opened', d.opened_at), ('clicked', d.clicked_at), ('replied', d.replied_at),
           ('unsubscribed', d.unsubscribed_at), ('complained', d.complained_at)
) e (kind, at)
where d.campaign_id = %(campaign_id)s and e.at is not null and e.at >= %(since)s
group by 1, 2
union all
select date_trunc(%(step)s, ts, 'UTC'), 'conversions', count(*), 0
from attributed_conversion where campaign_id = %(campaign_id)s and how in ('code', 'click', 'message') and ts >= %(since)s
group by 1
order by 1, 2;

-- name: known_since_start
-- What had happened by some instants, as the ledger has it now.
select h.hours, count(*) filter (where d.sent_at <= h.until), count(*) filter (where d.delivered_at <= h.until),
       count(*) filter (where d.bounced_at <= h.until), count(*) filter (where d.opened_at <= h.until),
       count(*) filter (where d.clicked_at <= h.until), count(*) filter (where d.replied_at <= h.until),
       count(*) filter (where d.unsubscribed_at <= h.until), count(*) filter (where d.complained_at <= h.until),
       coalesce(sum(d.cost_micros) filter (where d.sent_at <= h.until), 0)::bigint
from unnest(%(hours)s::int[], %(untils)s::timestamptz[]) h (hours, until)
left join delivery d on d.campaign_id = %(campaign_id)s
group by 1 order by 1;

-- name: known_since_message
-- The same by the hours since each person's own message.
select h.hours, count(d.sent_at), count(*) filter (where d.delivered_at <= d.sent_at + h.after),
       count(*) filter (where d.bounced_at <= d.sent_at + h.after), count(*) filter (where d.opened_at <= d.sent_at + h.after),
       count(*) filter (where d.clicked_at <= d.sent_at + h.after), count(*) filter (where d.replied_at <= d.sent_at + h.after),
       count(*) filter (where d.unsubscribed_at <= d.sent_at + h.after),
       count(*) filter (where d.complained_at <= d.sent_at + h.after),
       coalesce(sum(d.cost_micros), 0)::bigint
from (select n as hours, make_interval(hours => n) as after from unnest(%(hours)s::int[]) n) h
left join delivery d on d.campaign_id = %(campaign_id)s and d.sent_at is not null
group by 1 order by 1;

-- name: conversions_since_start
-- Conversions by some instants.
select h.hours, count(c.ts), coalesce(sum(c.value), 0)
from unnest(%(hours)s::int[], %(untils)s::timestamptz[]) h (hours, until)
left join attributed_conversion c on c.campaign_id = %(campaign_id)s and c.how in ('code', 'click', 'message') and c.ts <= h.until
group by 1 order by 1;

-- name: conversions_since_message
-- Conversions by hours since the message.
select h.hours, count(d.id), coalesce(sum(c.value) filter (where d.id is not null), 0)
from (select n as hours, make_interval(hours => n) as after from unnest(%(hours)s::int[]) n) h
left join attributed_conversion c on c.campaign_id = %(campaign_id)s and c.how in ('code', 'click', 'message')
left join delivery d on d.id = c.delivery_id and c.ts <= d.sent_at + h.after
group by 1 order by 1;

-- name: snapshots
-- What was known then.
select hours, at, numbers from campaign_snapshot where campaign_id = %(campaign_id)s order by hours;

-- name: snapshots_due
-- One-off campaigns that have been under way for so many hours, and whose numbers of that time are not kept yet.
select c.id, h from campaign c cross join unnest(%(hours)s::int[]) h
where c.kind = 'one_off' and c.started_at <= %(now)s::timestamptz - make_interval(hours => h) and c.started_at > %(now)s::timestamptz - interval '30 days'
  and not exists (select 1 from campaign_snapshot s where s.campaign_id = c.id and s.hours = h)
order by c.id, h limit 20;

-- name: keep_snapshot
-- Keep what is known now.
insert into campaign_snapshot (campaign_id, hours, at, numbers) values (%(campaign_id)s, %(hours)s, %(now)s, %(numbers)s)
on conflict do nothing;

-- name: kept
-- A part of a campaign's report as it was last worked out.
select as_of, took_ms, body from campaign_report where campaign_id = %(campaign_id)s and part = %(part)s;

-- name: keep
-- Keep a part of a campaign's report that took long.
insert into campaign_report (campaign_id, part, as_of, took_ms, body)
values (%(campaign_id)s, %(part)s, %(now)s, %(took_ms)s, %(body)s)
on conflict (campaign_id, part) do update set as_of = excluded.as_of, took_ms = excluded.took_ms, body = excluded.body;
