-- Who lives in one of five cities, completed at least two orders in 90 days and opened no e-mail in 30, by hand.
-- {now} is an instant literal; {hot} is the condition for events the lake does not hold yet.
with hot as materialized (
    select profile_id, ts, name from postgres_query('pg', 'select profile_id, ts, name from event
        where name in (''Order Completed'', ''Email Opened'') and ts > ''{now}''::timestamptz - interval ''90 days'' and ({hot})')
),
orders as (
    select profile_id from lake.event
    where name = 'Order Completed' and ts > timestamptz '{now}' - interval 90 days and ts <= timestamptz '{now}'
    union all
    select profile_id from hot
    where name = 'Order Completed' and ts > timestamptz '{now}' - interval 90 days and ts <= timestamptz '{now}'
),
opened as (
    select profile_id from lake.event
    where name = 'Email Opened' and ts > timestamptz '{now}' - interval 30 days and ts <= timestamptz '{now}'
    union all
    select profile_id from hot
    where name = 'Email Opened' and ts > timestamptz '{now}' - interval 30 days and ts <= timestamptz '{now}'
)
select p.profile_id::uinteger as profile_id
from lake.profile p
where p.t_city in ('city-1', 'city-2', 'city-3', 'city-4', 'city-5')
    and p.profile_id in (select profile_id from orders group by profile_id having count(*) >= 2)
    and not exists (select 1 from opened o where o.profile_id = p.profile_id)
order by 1
