-- name: add_person
-- A new person, who still has to set a password unless one is given.
insert into person (email, name, role, password_hash) values (%(email)s, %(name)s, %(role)s, %(password_hash)s)
returning id;

-- name: find_person
-- One person as others see them.
select id, email, name, role, locale, theme, totp_confirmed as second_factor, password_hash is null as invited,
       disabled_at, created_at, last_sign_in_at
from person where id = %(id)s;

-- name: list_people
-- Everybody, disabled ones last.
select id, email, name, role, locale, theme, totp_confirmed as second_factor, password_hash is null as invited,
       disabled_at, created_at, last_sign_in_at
from person order by disabled_at is not null, lower(coalesce(nullif(name, ''), email)), id;

-- name: find_credentials
-- What sign-in compares with, by address.
select id, email, name, password_hash, totp_secret, totp_confirmed, totp_last_step, recovery_hashes,
       disabled_at is not null as disabled
from person where email = %(email)s;

-- name: lock_credentials
-- The same by person, locked for a change of password or second factor.
select id, email, name, password_hash, totp_secret, totp_confirmed, totp_last_step, recovery_hashes,
       disabled_at is not null as disabled
from person where id = %(id)s for update;

-- name: change_person
-- New name, role and whether disabled.
update person set name = %(name)s, role = %(role)s,
    disabled_at = case when %(disabled)s then coalesce(disabled_at, clock_timestamp()) end
where id = %(id)s;

-- name: change_preferences
-- What a person chose for themselves.
update person set name = %(name)s, locale = %(locale)s, theme = %(theme)s where id = %(id)s;

-- name: lock_owners
-- The owners who can sign in, locked so that the last one stays.
select id from person where role = 'owner' and disabled_at is null order by id for update;

-- name: set_password
-- A new password.
update person set password_hash = %(password_hash)s where id = %(id)s;

-- name: note_sign_in
-- When somebody last signed in, and the step of the code used, which then cannot be used again.
update person set last_sign_in_at = clock_timestamp(), totp_last_step = greatest(totp_last_step, %(step)s)
where id = %(id)s and totp_last_step < coalesce(nullif(%(step)s::bigint, 0), totp_last_step + 1) returning id;

-- name: spend_recovery
-- Use up a recovery code; no row if it is not one of theirs.
update person set recovery_hashes = array_remove(recovery_hashes, %(hash)s)
where id = %(id)s and %(hash)s = any(recovery_hashes) returning id;

-- name: set_totp
-- Enrol, confirm or switch off the second factor.
update person set totp_secret = %(secret)s, totp_confirmed = %(confirmed)s, totp_last_step = %(step)s,
    recovery_hashes = %(recovery)s where id = %(id)s;

-- name: open_session
-- A browser signs in.
insert into session (token_hash, person_id, expires_at, address, agent)
values (%(hash)s, %(person)s, clock_timestamp() + %(absolute)s, %(address)s, %(agent)s);

-- name: find_session
-- Who is behind a cookie: neither expired, nor idle for too long, nor disabled.
select p.id, p.email, p.name, p.role, s.last_seen_at < clock_timestamp() - interval '1 minute' as stale
from session s join person p on p.id = s.person_id
where s.token_hash = %(hash)s and s.expires_at > clock_timestamp()
  and s.last_seen_at > clock_timestamp() - %(idle)s::interval and p.disabled_at is null;

-- name: touch_session
-- Seen just now.
update session set last_seen_at = clock_timestamp() where token_hash = %(hash)s;

-- name: close_session
-- A browser signs out.
delete from session where token_hash = %(hash)s;

-- name: close_sessions
-- A person is signed out everywhere, but for one session if given.
delete from session where person_id = %(person)s and token_hash is distinct from %(but)s::bytea;

-- name: list_sessions
-- Where a person is signed in, latest first.
select created_at, last_seen_at, expires_at, address, agent, token_hash = %(current)s as current
from session where person_id = %(person)s and expires_at > clock_timestamp()
  and last_seen_at > clock_timestamp() - %(idle)s::interval
order by last_seen_at desc;

-- name: sweep
-- What has expired: sessions, and attempts of long ago.
with s as (delete from session where expires_at < clock_timestamp()
               or last_seen_at < clock_timestamp() - %(idle)s::interval)
delete from sign_in_attempt where since < clock_timestamp() - interval '1 day';

-- name: count_attempt
-- One more attempt; the count starts anew when the window is over.
insert into sign_in_attempt as a (subject) select unnest(%(subjects)s::text[]) order by 1
on conflict (subject) do update set
    attempts = case when a.since < clock_timestamp() - %(window)s::interval then 1 else a.attempts + 1 end,
    since = case when a.since < clock_timestamp() - %(window)s::interval then clock_timestamp() else a.since end
returning subject, attempts, extract(epoch from since + %(window)s::interval - clock_timestamp())::float8 as wait;

-- name: forget_attempts
-- A sign-in that succeeded clears its account's count and takes back its own from the address's.
with a as (delete from sign_in_attempt where subject = %(account)s)
update sign_in_attempt set attempts = greatest(0, attempts - 1) where subject = %(address)s;

-- name: add_invitation
-- A link by which a person sets a password; earlier ones are spent.
with spent as (update invitation set used_at = clock_timestamp() where person_id = %(person)s and used_at is null)
insert into invitation (person_id, purpose, expires_at)
values (%(person)s, %(purpose)s, clock_timestamp() + %(term)s) returning id;

-- name: use_invitation
-- Spend a link; no row if it is spent, expired or its person disabled.
update invitation i set used_at = clock_timestamp() from person p
where i.id = %(id)s and p.id = i.person_id and i.used_at is null and i.expires_at > clock_timestamp()
  and p.disabled_at is null
returning i.person_id, p.email;

-- name: add_key
-- A new key. One made with a key belongs to the person who made that.
insert into api_key (name, kind, hint, token_hash, permissions, source_id, created_by, expires_at)
values (%(name)s, %(kind)s, %(hint)s, %(hash)s, %(permissions)s, %(source_id)s,
        coalesce(%(created_by)s, (select created_by from api_key where id = %(made_with)s::bigint)), %(expires_at)s)
returning id;

-- name: find_key
-- One key as people see it.
select id, name, kind, hint, permissions, source_id, created_by, created_at, expires_at, last_used_at, revoked_at
from api_key where id = %(id)s;

-- name: list_keys
-- All keys, those in force first.
select id, name, kind, hint, permissions, source_id, created_by, created_at, expires_at, last_used_at, revoked_at
from api_key order by revoked_at is not null, id desc;

-- name: find_token
-- The key in force of a token. An API key never outlives the rights of the person who made it.
select k.id, k.name, k.kind, k.permissions, k.source_id, p.role as maker
from api_key k left join person p on p.id = k.created_by
where k.token_hash = %(hash)s and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > clock_timestamp())
  and (k.kind = 'write' or k.created_by is null or p.disabled_at is null);

-- name: touch_keys
-- When keys were last used.
update api_key set last_used_at = clock_timestamp() where id = any(%(ids)s);

-- name: revoke_key
-- A key works no more.
update api_key set revoked_at = clock_timestamp() where id = %(id)s and revoked_at is null returning id;

-- name: add_audit
-- One change, in the transaction of the change.
insert into audit (who_kind, who_id, who_name, action, subject, before, after)
values (%(kind)s, %(id)s, %(name)s, %(action)s, %(subject)s, %(before)s, %(after)s);

-- name: list_audit
-- Changes, latest first, by who, what, to what and when.
select id, at, who_kind, who_id, who_name, action, subject, before, after from audit
where (%(before_id)s::bigint is null or id < %(before_id)s)
  and (%(who)s::text is null or who_name ilike %(who)s)
  and (%(action)s::text is null or action like %(action)s)
  and (%(subject)s::text is null or subject like %(subject)s)
  and (%(since)s::timestamptz is null or at >= %(since)s)
  and (%(until)s::timestamptz is null or at < %(until)s)
order by id desc limit %(limit)s;

-- name: redact_audit
-- Changes that name somebody erased say so and no more: who did what and when stays.
update audit a
set subject = case when subject like 'profile:%%' then subject else split_part(subject, ':', 1) || ':erased' end,
    before = case when before is not null then '{"erased": true}'::jsonb end,
    after = case when after is not null then '{"erased": true}'::jsonb end
where exists (
    select from unnest(%(needles)s::text[]) w (word)
    where position(w.word in lower(concat(a.before::text, a.after::text))) > 0 or position(w.word in lower(a.subject)) > 0
) or exists (select from unnest(%(endings)s::text[]) w (word) where right(lower(a.subject), length(w.word)) = w.word)
   or a.subject = any(%(subjects)s::text[]);
