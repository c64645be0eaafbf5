-- name: note_arm
-- Which dispatches speak for an arm of an occurrence: the first one, and those of its hops.
insert into campaign_arm (campaign_id, occurrence, arm, chosen, hop, dispatch_id)
select %(campaign_id)s, %(occurrence)s, %(arm)s, %(chosen)s, d.hop, d.id from dispatch d where d.key = any(%(keys)s::text[])
on conflict do nothing;

-- name: arm_dispatches
-- The first dispatches of an occurrence's arms.
select arm, dispatch_id from campaign_arm
where campaign_id = %(campaign_id)s and occurrence = %(occurrence)s and hop = 0
  and (%(chosen)s::boolean is null or chosen = %(chosen)s)
order by chosen, arm;

-- name: open_arms
-- What an arm says in each occurrence that is not over: a triggered campaign's answers are always open.
select a.occurrence, d.template_version_id, d.account_id
from campaign_arm a join dispatch d on d.id = a.dispatch_id
where a.campaign_id = %(campaign_id)s and a.arm = %(arm)s and a.hop = 0 and not a.chosen and (
    a.occurrence = 'answers' or exists (
        select from campaign_audience o where o.campaign_id = a.campaign_id and o.over_at is null
            and o.occurrence in (a.occurrence, a.occurrence || '/rest')))
order by a.occurrence;

-- name: told
-- Those of these people who have a word of the campaign already, as themselves or as somebody merged into them.
select distinct s.id from unnest(%(profile_ids)s::bigint[]) s (id)
cross join lateral (
    select s.id as profile_id union all select a.from_id from alias a where a.to_id = s.id
) p
join delivery d on d.profile_id = p.profile_id and d.campaign_id = %(campaign_id)s and d.hop = 0;

-- name: choose
-- An arm was chosen.
update campaign set arm_winner = %(winner)s, updated_at = %(now)s, arms_due_at = null where id = %(id)s;

-- name: forget_report
-- What was kept of the arms' report was before the choice.
delete from campaign_report where campaign_id = %(campaign_id)s and part = 'arms';

-- name: let_go
-- The rest waits no more.
update campaign_audience set waits = false, planned_for = greatest(planned_for, %(now)s)
where campaign_id = %(campaign_id)s and waits;

-- name: figures
-- What the people who were tried did within so long of their first message, by arm; those of them who had that long count. One
-- pass of the campaign's ledger. `everybody`: also those whom the gate refused on the arm's channel.
with rows as materialized (
    select d.id, coalesce(d.origin_id, d.id) as chain, d.hop, d.profile_id, d.dispatch_id, d.reason, d.state, d.queued_at,
           d.planned_at, coalesce(d.sent_at, d.due_at) as seen, d.opened_at, d.clicked_at, d.replied_at, d.unsubscribed_at
    from delivery d where d.campaign_id = %(campaign_id)s
),
firsts as (
    select distinct on (coalesce(m.to_id, r.profile_id)) r.chain, a.arm, r.seen
    from rows r join campaign_arm a on a.dispatch_id = r.dispatch_id and not a.chosen
    left join alias m on m.from_id = r.profile_id
    where r.hop = 0 and (r.reason is null or r.reason not in ('excluded', 'holdout', 'no_such_customer', 'merged',
            'duplicate_address', 'campaign_cancelled'))
      and (%(everybody)s or r.queued_at is not null)
    order by coalesce(m.to_id, r.profile_id), r.planned_at, r.id
),
did as (
    select f.chain, f.arm, f.seen, bool_or(r.state in ('planned', 'queued', 'claimed', 'speaking')) as waiting,
           bool_or(r.opened_at < f.seen + %(within)s::interval) as opened, bool_or(r.clicked_at < f.seen + %(within)s::interval) as clicked,
           bool_or(r.replied_at < f.seen + %(within)s::interval) as replied,
           bool_or(r.unsubscribed_at < f.seen + %(within)s::interval) as unsubscribed
    from firsts f join rows r on r.chain = f.chain group by f.chain, f.arm, f.seen
),
bought as (
    select d.chain, sum(c.value)::float8 as value
    from did d join conversion c on c.campaign_id = %(campaign_id)s and c.delivery_id = d.chain
        and c.ts >= d.seen and c.ts < d.seen + %(within)s::interval
    group by d.chain
),
known as (
    select d.*, d.seen + %(within)s::interval <= %(now)s::timestamptz and not d.waiting as counts, b.chain is not null as converted,
           coalesce(b.value, 0) as value
    from did d left join bought b on b.chain = d.chain
)
select arm, count(*) as people, count(*) filter (where waiting) as waiting, count(*) filter (where counts) as counted,
       min(seen) as first, max(seen) as last,
       max(seen + %(within)s::interval) filter (where not counts and not waiting) as due_at,
       count(*) filter (where counts and opened) as opened, count(*) filter (where counts and clicked) as clicked,
       count(*) filter (where counts and replied) as replied, count(*) filter (where counts and unsubscribed) as unsubscribed,
       count(*) filter (where counts and converted) as converted,
       coalesce(avg(value) filter (where counts), 0)::float8 as mean,
       coalesce(var_samp(value) filter (where counts), 0)::float8 as variance
from known group by arm order by arm;

-- name: arm_numbers
-- What became of each arm's messages so far, of all hops.
with told as (
    select a.arm, a.chosen, count(*) filter (where d.hop = 0) as messages,
           count(*) filter (where d.hop = 0 and d.state = 'suppressed') as suppressed,
           count(*) filter (where d.state in ('planned', 'queued', 'claimed', 'speaking')) as waiting, count(d.sent_at) as sent,
           count(*) filter (where d.state = 'delivered') as delivered, count(d.opened_at) as opened,
           count(d.clicked_at) as clicked, count(d.replied_at) as replied, count(d.unsubscribed_at) as unsubscribed,
           count(d.complained_at) as complained, coalesce(sum(d.cost_micros), 0)::bigint as cost_micros
    from delivery d join campaign_arm a on a.dispatch_id = d.dispatch_id
    where d.campaign_id = %(campaign_id)s group by a.arm, a.chosen
),
bought as (
    select a.arm, a.chosen, count(*) as conversions, coalesce(sum(j.value), 0)::float8 as value
    from attributed_conversion j join delivery d on d.id = j.delivery_id join campaign_arm a on a.dispatch_id = d.dispatch_id
    where j.campaign_id = %(campaign_id)s and j.how in ('code', 'click', 'message') group by a.arm, a.chosen
)
select t.arm, t.chosen, t.messages, t.suppressed, t.waiting, t.sent, t.delivered, t.opened, t.clicked, t.replied, t.unsubscribed,
       t.complained, coalesce(b.conversions, 0) as conversions, coalesce(b.value, 0) as value, t.cost_micros
from told t left join bought b on b.arm = t.arm and b.chosen = t.chosen;

-- name: to_choose
-- Campaigns whose rule may choose an arm.
select id from campaign
where arm_choice is not null and arm_winner is null and arm_choice ->> 'by' = 'rule' and state in ('sending', 'running')
  and (arms_due_at is null or arms_due_at <= %(now)s) and arms <> '[]'
order by id limit 20;

-- name: look_again
-- When the rule looks next.
update campaign set arms_due_at = %(at)s where id = %(id)s;
