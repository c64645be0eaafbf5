-- name: enabled_budgets
-- Every budget that is switched on.
select id, name, scope, channel, account_id, campaign_id, period, zone, amount_micros, warn_at, enabled, created_at, updated_at
from budget where enabled order by id;

-- name: all_budgets
-- Budgets with what is spoken for and spent in the period now, newest first.
select b.id, b.name, b.scope, b.channel, b.account_id, b.campaign_id, b.period, b.zone, b.amount_micros, b.warn_at, b.enabled,
       b.created_at, b.updated_at, s.period_start,
       (coalesce(u.reserved_micros, 0) + coalesce(e.reserved, 0))::bigint as reserved_micros,
       (coalesce(u.spent_micros, 0) + coalesce(e.spent, 0))::bigint as spent_micros, u.warned_at, u.exhausted_at,
       a.name as account_name
from budget b
cross join lateral (select case b.period when 'total' then date '1970-01-01'
    when 'day' then (%(now)s::timestamptz at time zone b.zone)::date
    else date_trunc('month', %(now)s::timestamptz at time zone b.zone)::date end as period_start) s
left join budget_use u on u.budget_id = b.id and u.period_start = s.period_start
left join lateral (
    select sum(e.reserved_micros) as reserved, sum(e.spent_micros) as spent from budget_entry e
    where e.budget_id = b.id and case b.period when 'total' then date '1970-01-01'
        when 'day' then (e.reserved_at at time zone b.zone)::date
        else date_trunc('month', e.reserved_at at time zone b.zone)::date end = s.period_start
) e on true
left join channel_account a on a.id = b.account_id
where (%(id)s::bigint is null or b.id = %(id)s) and (%(campaign_id)s::bigint is null or b.campaign_id = %(campaign_id)s)
  and (%(before)s::bigint is null or b.id < %(before)s)
order by b.id desc limit %(limit)s;

-- name: insert_budget
-- A new budget.
insert into budget (name, scope, channel, account_id, campaign_id, period, zone, amount_micros, warn_at, enabled, created_at, updated_at)
values (%(name)s, %(scope)s, %(channel)s, %(account_id)s, %(campaign_id)s, %(period)s, %(zone)s, %(amount_micros)s, %(warn_at)s,
        %(enabled)s, %(now)s, %(now)s)
returning id;

-- name: update_budget
-- A budget as it shall be; what it is for and its period stay.
update budget set name = %(name)s, amount_micros = %(amount_micros)s, warn_at = %(warn_at)s, enabled = %(enabled)s, updated_at = %(now)s
where id = %(id)s returning id;

-- name: ease
-- There is more than before: what has room again is exhausted no longer, and is warned of anew when it reaches its mark.
update budget_use u set exhausted_at = null,
    warned_at = case when (u.reserved_micros + u.spent_micros) * 100 >= b.amount_micros * b.warn_at then u.warned_at end
from budget b where b.id = %(id)s and u.budget_id = b.id and u.reserved_micros + u.spent_micros < b.amount_micros;

-- name: delete_budget
-- A budget is gone.
delete from budget where id = %(id)s returning id;

-- name: open_use
-- The periods of these budgets that an instant is in.
insert into budget_use (budget_id, period_start)
select b.id, case b.period when 'total' then date '1970-01-01' when 'day' then (%(at)s::timestamptz at time zone b.zone)::date
    else date_trunc('month', %(at)s::timestamptz at time zone b.zone)::date end
from budget b where b.id = any(%(ids)s::bigint[])
on conflict (budget_id, period_start) do nothing;

-- name: lock_use
-- What is left of these budgets in the periods of an instant, locked in order until the transaction ends.
select b.id, b.amount_micros - u.reserved_micros - u.spent_micros
from budget b
join budget_use u on u.budget_id = b.id and u.period_start = case b.period when 'total' then date '1970-01-01'
    when 'day' then (%(at)s::timestamptz at time zone b.zone)::date
    else date_trunc('month', %(at)s::timestamptz at time zone b.zone)::date end
where b.id = any(%(ids)s::bigint[])
order by b.id
for update of u;

-- name: reserve
-- Speak for more of these budgets, or less.
update budget_use u set reserved_micros = u.reserved_micros + g.micros,
    exhausted_at = case when g.refused then coalesce(u.exhausted_at, %(now)s) else u.exhausted_at end
from unnest(%(ids)s::bigint[], %(micros)s::bigint[], %(refused)s::boolean[]) as g (id, micros, refused) join budget b on b.id = g.id
where u.budget_id = g.id and u.period_start = case b.period when 'total' then date '1970-01-01'
    when 'day' then (%(at)s::timestamptz at time zone b.zone)::date
    else date_trunc('month', %(at)s::timestamptz at time zone b.zone)::date end;

-- name: charge_rows
-- Rows that are paid for by more budgets, or with more, than the gate knew.
update delivery_queue q set reserved_micros = g.micros, reserved_at = coalesce(q.reserved_at, %(at)s),
    budgets = array(select distinct b from unnest(q.budgets || %(budgets)s::bigint[]) b order by b)
from unnest(%(ids)s::bigint[], %(profile_ids)s::bigint[], %(epochs)s::bigint[], %(micros)s::bigint[])
    as g (delivery_id, profile_id, epoch, micros)
where q.delivery_id = g.delivery_id and q.profile_id = g.profile_id and q.epoch = g.epoch and q.state = 'claimed'
returning q.delivery_id;

-- name: fold_entries
-- Entries become the use of the period they are of; those of budgets that are gone are forgotten.
with taken as (
    delete from budget_entry where ctid = any(array(select ctid from budget_entry limit %(most)s))
    returning budget_id, reserved_at, reserved_micros, spent_micros
), summed as (
    select b.id, case b.period when 'total' then date '1970-01-01' when 'day' then (t.reserved_at at time zone b.zone)::date
               else date_trunc('month', t.reserved_at at time zone b.zone)::date end as period_start,
           sum(t.reserved_micros) as reserved, sum(t.spent_micros) as spent
    from taken t join budget b on b.id = t.budget_id group by 1, 2
), folded as (
    update budget_use u set reserved_micros = u.reserved_micros + s.reserved, spent_micros = u.spent_micros + s.spent
    from summed s where u.budget_id = s.id and u.period_start = s.period_start
    returning u.budget_id
)
select (select count(*) from taken) as taken, (select count(*) from folded) as folded;

-- name: warn
-- Budgets that have reached their mark in a period, each told once.
update budget_use u set warned_at = %(now)s
from budget b
where b.id = u.budget_id and b.enabled and u.warned_at is null
  and (u.reserved_micros + u.spent_micros) * 100 >= b.amount_micros * b.warn_at
returning b.id, b.name, u.period_start, u.reserved_micros, u.spent_micros, b.amount_micros;

-- name: fold_costs
-- What was paid, by day.
with taken as (
    delete from cost_entry where ctid = any(array(select ctid from cost_entry limit %(most)s))
    returning day, channel, account_id, campaign_id, message_class, messages, parts, micros
), folded as (
    insert into cost_day as c (day, channel, account_id, campaign_id, message_class, messages, parts, micros)
    select day, channel, account_id, campaign_id, message_class, sum(messages), sum(parts), sum(micros)
    from taken group by day, channel, account_id, campaign_id, message_class
    on conflict (day, channel, account_id, campaign_id, message_class) do update set messages = c.messages + excluded.messages,
        parts = c.parts + excluded.parts, micros = c.micros + excluded.micros
    returning 1
)
select (select count(*) from taken) as taken, (select count(*) from folded) as folded;

-- name: costs
-- What was paid for messages of paid accounts, added up by what is asked for.
with paid as (
    select day, channel, account_id, campaign_id, message_class, messages, parts, micros from cost_day
    union all
    select day, channel, account_id, campaign_id, message_class, messages, parts, micros from cost_entry
)
select case when 'day' = any(%(by)s::text[]) then p.day end as day,
       case when 'channel' = any(%(by)s::text[]) then p.channel end as channel,
       case when 'account' = any(%(by)s::text[]) then p.account_id end as account_id,
       case when 'account' = any(%(by)s::text[]) then a.name end as account_name,
       case when 'campaign' = any(%(by)s::text[]) then nullif(p.campaign_id, 0) end as campaign_id,
       case when 'class' = any(%(by)s::text[]) then p.message_class end as message_class,
       sum(p.messages)::bigint as messages, sum(p.parts)::bigint as parts, sum(p.micros)::bigint as micros
from paid p left join channel_account a on a.id = p.account_id
where (%(since)s::date is null or p.day >= %(since)s) and (%(until)s::date is null or p.day <= %(until)s)
  and (%(channel)s::text is null or p.channel = %(channel)s)
  and (%(account_id)s::bigint is null or p.account_id = %(account_id)s)
  and (%(campaign_id)s::bigint is null or p.campaign_id = %(campaign_id)s)
group by 1, 2, 3, 4, 5, 6
order by 1 desc nulls last, 9 desc, 2, 3, 5, 6
limit %(limit)s;
