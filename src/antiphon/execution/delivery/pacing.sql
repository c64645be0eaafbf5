-- name: paces
-- What accounts may say, and the most they said in a minute of late that was in the midst of work: one with little to say tells nothing.
select t.per_second, t.per_day, t.warmup, (
    select max(m.sent)
    from account_minute m
    join account_minute b on b.account_id = m.account_id and b.minute = m.minute - interval '1 minute'
    join account_minute n on n.account_id = m.account_id and n.minute = m.minute + interval '1 minute'
    where m.account_id = a.id and m.sent >= 60 and least(b.sent, n.sent) * 2 >= m.sent
)
from channel_account a left join account_terms t on t.account_id = a.id
where a.channel = %(channel)s and a.enabled and (%(account_id)s::bigint is null or a.id = %(account_id)s)
order by a.id;
