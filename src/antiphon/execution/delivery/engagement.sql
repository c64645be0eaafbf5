-- name: export_engagement
-- What a customer opened and clicked, and what it was taken for, for their own copy.
select delivery_id, at, kind, url, agent, network, class, rule from engagement
where profile_id = any(%(profile_ids)s) order by id;

-- name: erase_engagement
-- Who opened and clicked from where is forgotten with the customer; the delivery's counters stay.
delete from engagement where profile_id = any(%(profile_ids)s);

-- name: erase_provider_messages
-- No news is matched any more to what was said to an erased customer.
delete from provider_message where profile_id = any(%(profile_ids)s);

-- name: erase_waiting
-- News that still waits for a row of an erased customer's, or names an address of theirs.
delete from signal_waiting where delivery_id in (select id from delivery where profile_id = any(%(profile_ids)s))
    or address in (select value from identity where profile_id = any(%(profile_ids)s));

-- name: log_engagement
-- Keep opens and clicks with the rule that decided what they were.
insert into engagement (profile_id, delivery_id, at, kind, link_id, url, method, agent, network, visitor, class, rule,
                        rules_version)
select profile_id, delivery_id, at, kind, nullif(link_id, 0), url, method, agent, network, visitor, class, rule, %(version)s
from unnest(%(profile_ids)s::bigint[], %(ids)s::bigint[], %(ats)s::timestamptz[], %(kinds)s::text[], %(links)s::bigint[],
            %(urls)s::text[], %(methods)s::text[], %(agents)s::text[], %(networks)s::text[], %(visitors)s::bytea[],
            %(classes)s::text[], %(rules)s::text[])
    as n (profile_id, delivery_id, at, kind, link_id, url, method, agent, network, visitor, class, rule);

-- name: recent_clicks
-- Deliveries that were clicked in just now: when they were said, how many links they have, and clicks of a moment ago that
-- were people's, or of every link.
select d.id as delivery_id, d.profile_id, coalesce(d.sent_at, d.speaking_at, q.speaking_at) as said_at,
       (select count(*) from link l where l.template_version_id = d.template_version_id) as links,
       e.id as engagement_id, e.at, e.link_id, e.url, e.visitor, e.class = 'person' as counted
from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as n (id, profile_id)
join delivery d on d.id = n.id and d.profile_id = n.profile_id
left join delivery_queue q on q.delivery_id = d.id and q.profile_id = d.profile_id
left join engagement e on e.delivery_id = d.id and e.profile_id = d.profile_id and e.kind = 'clicked'
    and (e.class = 'person' or e.rule = 'every_link') and not e.by_hand and e.at >= %(since)s;

-- name: deliveries_of
-- The deliveries of these rows of the log.
select distinct e.delivery_id, e.profile_id from engagement e
join unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[]) as n (id, profile_id) on e.id = n.id and e.profile_id = n.profile_id
order by 1;

-- name: judge_again
-- Change judgements. What changed between person and machine comes back, with what else of people there is of the same.
with news as (
    select * from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[], %(rules)s::text[], %(classes)s::text[], %(by_hand)s::int[])
        as n (id, profile_id, rule, class, by_hand)
), old as materialized (
    select e.id, e.profile_id, e.delivery_id, e.class from engagement e
    join news n on n.id = e.id and n.profile_id = e.profile_id
    where not e.by_hand or n.by_hand = 1
    order by e.id for update of e
), changed as (
    update engagement e set rule = n.rule, class = n.class, rules_version = %(version)s, by_hand = n.by_hand = 1
    from news n join old o on o.id = n.id and o.profile_id = n.profile_id
    where e.id = n.id and e.profile_id = n.profile_id
    returning e.id, e.profile_id, e.delivery_id, e.kind, e.link_id, e.url, e.at, e.class, o.class as class_before
)
select c.delivery_id, c.profile_id, c.kind, c.link_id, c.url, c.at, c.class = 'person' as is_person,
       count(p.id)::int as others, min(p.at) as first
from changed c
left join engagement p on p.delivery_id = c.delivery_id and p.profile_id = c.profile_id and p.kind = c.kind
    and p.class = 'person' and (c.kind = 'opened' or coalesce(p.link_id::text, p.url) = coalesce(c.link_id::text, c.url))
    and p.id not in (select id from changed)
where c.class <> c.class_before
group by c.id, c.delivery_id, c.profile_id, c.kind, c.link_id, c.url, c.at, c.class
order by c.id;

-- name: recount
-- Put a ledger row right after judgements changed. Opens and clicks from before the log was kept stay counted.
update delivery d set
    opens = greatest(0, d.opens + n.opens),
    clicks = greatest(0, d.clicks + n.clicks),
    opened_at = case when d.opens + n.opens <= 0 then null when d.opens + n.opens <= o.n then o.first
                     else least(d.opened_at, o.first) end,
    clicked_at = case when d.clicks + n.clicks <= 0 then null when d.clicks + n.clicks <= c.n then c.first
                      else least(d.clicked_at, c.first) end,
    corrections = d.corrections + 1
from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[], %(opens)s::int[], %(clicks)s::int[]) as n (id, profile_id, opens, clicks)
cross join lateral (select count(*) as n, min(at) as first from engagement e
    where e.delivery_id = n.id and e.profile_id = n.profile_id and e.kind = 'opened' and e.class = 'person') o
cross join lateral (select count(*) as n, min(at) as first from engagement e
    where e.delivery_id = n.id and e.profile_id = n.profile_id and e.kind = 'clicked' and e.class = 'person') c
where d.id = n.id and d.profile_id = n.profile_id;

-- name: find_engagement
-- The log, newest first.
select e.id, e.profile_id, e.delivery_id, d.campaign_id, d.channel, e.at, e.kind, e.link_id, e.url, e.method, e.agent,
       e.network, e.class, e.rule, e.rules_version, e.by_hand
from engagement e left join delivery d on d.id = e.delivery_id and d.profile_id = e.profile_id
where (%(before)s::bigint is null or e.id < %(before)s)
  and (%(delivery_id)s::bigint is null or e.delivery_id = %(delivery_id)s)
  and (%(profile_ids)s::bigint[] is null or e.profile_id = any(%(profile_ids)s))
  and (%(campaign_id)s::bigint is null or d.campaign_id = %(campaign_id)s)
  and (%(class)s::text is null or e.class = %(class)s)
  and (%(rule)s::text is null or e.rule = %(rule)s)
order by e.id desc limit %(limit)s;

-- name: count_rules
-- How much each rule decided of late.
select rule, kind, count(*) from engagement where at >= %(since)s group by rule, kind;

-- name: next_deliveries
-- Deliveries with something in the log since an instant, a handful at a time.
select distinct delivery_id, profile_id from engagement
where at >= %(since)s and delivery_id > %(after)s order by delivery_id limit %(most)s;

-- name: engagement_of
-- Everything in the log of these deliveries, when they were said, and how many links they have.
select e.id, e.profile_id, e.delivery_id, e.at, e.kind, e.link_id, e.url, e.method, e.agent, e.network, e.visitor, e.class, e.rule,
       e.by_hand, coalesce(d.sent_at, d.speaking_at) as said_at,
       (select count(*) from link l where l.template_version_id = d.template_version_id) as links
from engagement e left join delivery d on d.id = e.delivery_id and d.profile_id = e.profile_id
where e.delivery_id = any(%(ids)s::bigint[])
order by e.delivery_id, e.id;

-- name: prune_engagement
-- Single opens and clicks that are kept no longer; what they add up to stays.
delete from engagement where ctid in (select ctid from engagement where at < %(before)s limit %(most)s);

-- name: find_one
-- One row of the log.
select e.id, e.profile_id, e.delivery_id, d.campaign_id, d.channel, e.at, e.kind, e.link_id, e.url, e.method, e.agent,
       e.network, e.class, e.rule, e.rules_version, e.by_hand
from engagement e left join delivery d on d.id = e.delivery_id and d.profile_id = e.profile_id
where e.id = %(id)s;
