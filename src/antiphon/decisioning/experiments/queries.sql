-- name: list_holdouts
-- Every holdout, the universal one first.
select name, title, percent, salt, period, enabled, updated_at from holdout order by name <> 'universal', name;

-- name: find_holdout
-- One holdout.
select name, title, percent, salt, period, enabled, updated_at from holdout where name = %(name)s;

-- name: put_holdout
-- A holdout as it is to be.
insert into holdout (name, title, percent, salt, period, enabled, updated_at)
values (%(name)s, %(title)s, %(percent)s, %(salt)s, %(period)s, %(enabled)s, %(now)s)
on conflict (name) do update set title = excluded.title, percent = excluded.percent, salt = excluded.salt,
    period = excluded.period, enabled = excluded.enabled, updated_at = excluded.updated_at;

-- name: delete_holdout
-- Hold nobody out by this name any more.
delete from holdout where name = %(name)s;
