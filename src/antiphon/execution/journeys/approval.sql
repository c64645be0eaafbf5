-- name: read_rule
-- When journeys must be approved.
select approval from journey_rule;

-- name: write_rule
-- Another rule.
update journey_rule set approval = %(approval)s, changed_by = %(who)s, changed_at = %(now)s;

-- name: write_approval
-- What was asked and decided of the draft.
update journey set approval = %(approval)s::jsonb where id = %(id)s;

-- name: approvers
-- Who may approve by their role.
select id, coalesce(nullif(name, ''), email) as name, email from person
where role = any(%(roles)s::text[]) and disabled_at is null and password_hash is not null order by id;

-- name: colleagues
-- The people among those who wrote a draft.
select id, coalesce(nullif(name, ''), email) as name, email from person
where 'person:' || id = any(%(subjects)s::text[]) and disabled_at is null order by id;

-- name: person_by_email
-- Somebody who works here, by their address.
select id, coalesce(nullif(name, ''), email) as name, role from person
where lower(email) = lower(%(email)s) and disabled_at is null;
