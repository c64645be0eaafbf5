-- name: find_account
-- One account with its sealed secrets.
select id, channel, provider, name, settings, sealed, enabled, version, created_at, updated_at
from channel_account where id = %(id)s;

-- name: list_accounts
-- All accounts, of one channel or of every one, in the order they were made.
select id, channel, provider, name, settings, sealed, enabled, version, created_at, updated_at
from channel_account
where %(channel)s::text is null or channel = %(channel)s
order by id;

-- name: insert_account
-- A new account; nothing comes back if the name is taken.
insert into channel_account (channel, provider, name, settings, sealed, enabled, created_at, updated_at)
values (%(channel)s, %(provider)s, %(name)s, %(settings)s, %(sealed)s, %(enabled)s, %(now)s, %(now)s)
on conflict (channel, name) do nothing
returning id, channel, provider, name, settings, sealed, enabled, version, created_at, updated_at;

-- name: update_account
-- Replace an account's name, settings and secrets, and count its version up.
update channel_account
set name = %(name)s, settings = %(settings)s, sealed = %(sealed)s, enabled = %(enabled)s,
    version = version + 1, updated_at = %(now)s
where id = %(id)s
returning id, channel, provider, name, settings, sealed, enabled, version, created_at, updated_at;

-- name: delete_account
-- Remove an account that nothing refers to.
delete from channel_account where id = %(id)s;
