-- name: hear
-- Note what was heard about deliveries, many at once: counters, first times, and for a bounce or complaint the state.
-- A bounce may come before its receipt is recorded: then the row is still in the queue, being spoken. One row comes back
-- for each delivery that exists, with what it was before.
with news as (
    select * from unnest(
        %(ids)s::bigint[], %(profile_ids)s::bigint[], %(opens)s::int[], %(clicks)s::int[], %(opened_ats)s::timestamptz[],
        %(clicked_ats)s::timestamptz[], %(unsubscribed_ats)s::timestamptz[], %(complained_ats)s::timestamptz[],
        %(bounced_ats)s::timestamptz[], %(details)s::text[]
    ) as n (delivery_id, profile_id, opens, clicks, opened_at, clicked_at, unsubscribed_at, complained_at, bounced_at, detail)
), known as materialized (
    select d.id, d.profile_id, d.campaign_id, d.template_version_id, d.channel, d.topic, d.address, d.message_class,
           d.opened_at, d.clicked_at, d.unsubscribed_at, d.complained_at, d.bounced_at, d.state,
           n.bounced_at is not null and d.bounced_at is null and (d.state in ('sent', 'delivered', 'unknown')
               or exists (select 1 from delivery_queue q where q.delivery_id = d.id and q.profile_id = d.profile_id
                          and q.state = 'speaking')) as bounces
    from news n join delivery d on d.id = n.delivery_id and d.profile_id = n.profile_id
    order by d.id for update of d
), ledger as (
    update delivery d set
        opens = d.opens + n.opens,
        clicks = d.clicks + n.clicks,
        opened_at = coalesce(d.opened_at, n.opened_at),
        clicked_at = coalesce(d.clicked_at, n.clicked_at),
        unsubscribed_at = coalesce(d.unsubscribed_at, n.unsubscribed_at),
        complained_at = coalesce(d.complained_at, n.complained_at),
        bounced_at = case when k.bounces then n.bounced_at else d.bounced_at end,
        ended_at = case when k.bounces then n.bounced_at else d.ended_at end,
        sent_at = case when k.bounces then coalesce(d.sent_at, n.bounced_at) else d.sent_at end,
        delivered_at = case when k.bounces then null else d.delivered_at end,
        state = case when k.bounces then 'bounced' else d.state end,
        reason = case when k.bounces then 'bounced' else d.reason end,
        detail = case when k.bounces then n.detail else d.detail end
    from news n join known k on k.id = n.delivery_id and k.profile_id = n.profile_id
    where d.id = n.delivery_id and d.profile_id = n.profile_id
    returning d.id
)
select k.id, k.profile_id, coalesce(a.to_id, k.profile_id) as person, p.id is not null as person_known,
       k.campaign_id, v.template_id, k.template_version_id, k.channel, k.topic, k.address,
       k.opened_at is null as first_open, k.clicked_at is null as first_click,
       k.unsubscribed_at is null as first_unsubscribe, k.complained_at is null as first_complaint, k.bounces
from known k
left join alias a on a.from_id = k.profile_id
left join profile p on p.id = coalesce(a.to_id, k.profile_id)
left join template_version v on v.id = k.template_version_id
where (select count(*) from ledger) >= 0;

-- name: unsubscribe_page
-- What the hosted page says of a delivery.
select d.channel, d.address, d.topic, t.title as topic_title, d.unsubscribed_at is not null as done
from delivery d left join topic t on t.name = d.topic
where d.id = %(id)s and d.profile_id = %(profile_id)s;
