-- name: list_templates
-- Templates after a place in the list, newest first, with their latest numbers.
select t.id, t.channel, t.name, t.created_at, t.updated_at, t.archived_at is not null as archived,
       (select max(v.id) from template_version v where v.template_id = t.id and v.state = 'published') as published_id,
       (select v.id from template_version v where v.template_id = t.id and v.state = 'draft') as draft_id
from template t
where (%(channel)s::text is null or t.channel = %(channel)s)
  and (%(search)s::text is null or strpos(lower(t.name), lower(%(search)s)) > 0)
  and (%(before)s::bigint is null or t.id < %(before)s)
  and (%(archived)s or t.archived_at is null)
order by t.id desc
limit %(limit)s;

-- name: find_template
-- One template with its latest numbers.
select t.id, t.channel, t.name, t.created_at, t.updated_at, t.archived_at is not null as archived,
       (select max(v.id) from template_version v where v.template_id = t.id and v.state = 'published') as published_id,
       (select v.id from template_version v where v.template_id = t.id and v.state = 'draft') as draft_id
from template t where t.id = %(id)s;

-- name: lock_template
-- Hold a template while one of its versions changes.
select id from template where id = %(id)s for update;

-- name: insert_template
-- A new template; nothing comes back if the name is taken.
insert into template (channel, name, created_at, updated_at)
values (%(channel)s, %(name)s, %(now)s, %(now)s)
on conflict (channel, name) do nothing
returning id;

-- name: rename_template
-- Change a template's name, note when, and archive it or bring it back.
update template
set name = %(name)s, updated_at = %(now)s,
    archived_at = case when %(archived)s then coalesce(archived_at, %(now)s) end
where id = %(id)s;

-- name: list_versions
-- All versions of a template, newest first, without their sources.
select id, template_id, number, state, format, subject, changed_by, changed_at, published_at
from template_version where template_id = %(template)s and state <> 'variant' order by number desc;

-- name: find_version
-- One version with its source.
select v.id, v.template_id, v.number, v.state, v.format, v.subject, v.preheader, v.body, v.text, v.changed_by,
       v.changed_at, v.published_at, t.channel
from template_version v join template t on t.id = v.template_id
where v.id = %(id)s;

-- name: find_draft
-- The draft of a template.
select v.id, v.template_id, v.number, v.state, v.format, v.subject, v.preheader, v.body, v.text, v.changed_by,
       v.changed_at, v.published_at, t.channel
from template_version v join template t on t.id = v.template_id
where v.template_id = %(template)s and v.state = 'draft';

-- name: save_draft
-- Write the draft of a template, which becomes the next number if there was none.
insert into template_version (template_id, number, format, subject, preheader, body, text, changed_by, changed_at)
select %(template)s, coalesce(max(number), 0) + 1, %(format)s, %(subject)s, %(preheader)s, %(body)s, %(text)s, %(who)s, %(now)s
from template_version where template_id = %(template)s
on conflict (template_id) where state = 'draft' do update
set format = excluded.format, subject = excluded.subject, preheader = excluded.preheader, body = excluded.body,
    text = excluded.text, changed_by = excluded.changed_by, changed_at = excluded.changed_at
returning id;

-- name: publish_version
-- Make a draft final.
update template_version set state = 'published', published_at = %(now)s, changed_by = %(who)s
where id = %(id)s and state = 'draft';

-- name: add_variant
-- A version under another subject; the same one at every call.
with made as (
    insert into template_version (template_id, number, state, format, subject, preheader, body, text, changed_by, changed_at,
                                  published_at, variant_of)
    select template_id, number, 'variant', format, %(subject)s, preheader, body, text, changed_by, %(now)s, %(now)s, id
    from template_version where id = %(id)s
    on conflict (variant_of, md5(subject)) where state = 'variant' do nothing returning id
)
select id from made union all
select id from template_version where variant_of = %(id)s and md5(subject) = md5(%(subject)s::text) and state = 'variant' limit 1;

-- name: insert_links
-- A row for each static link of a version.
insert into link (template_version_id, url)
select %(version)s, url from unnest(%(urls)s::text[]) as url
on conflict do nothing;

-- name: list_links
-- The links of a version.
select id, url from link where template_version_id = %(version)s order by id;

-- name: find_urls
-- Where links lead.
select id, url from link where id = any(%(ids)s);

-- name: traits_of
-- A person's traits, by any id they ever had.
select p.traits from profile p
where p.id = coalesce((select a.to_id from alias a where a.from_id = %(id)s), %(id)s);

-- name: missing_shares
-- For each trait, the share of the latest sampled profiles that lack it or have it empty.
with sample as materialized (select traits from profile order by id desc limit %(sample)s)
select name, avg((coalesce(sample.traits ->> name, '') = '')::int)::float8 as share
from unnest(%(names)s::text[]) as name cross join sample
group by name;
