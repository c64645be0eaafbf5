-- Campaigns that try several ways of saying a thing: arms beside each other, a part of the audience that is asked first, and
-- the arm that won, which the rest is told.
alter table campaign
    add column arms jsonb not null default '[]',     -- what is tried: words, subject, channel, account, and each one's weight
    add column arm_choice jsonb,                     -- by what, when and by whom one of them is chosen for everybody else
    add column arm_winner jsonb,                     -- which was, when, by whom and why
    add column arms_due_at timestamptz;              -- when the rule looks at them next
create index campaign_choosing on campaign (arms_due_at) where arm_choice is not null and arm_winner is null;

-- The rest of an audience waits until an arm was chosen.
alter table campaign_audience add column waits boolean not null default false;

-- Which dispatch speaks for which arm of an occurrence; the dispatches of later hops are the arm's as well.
create table campaign_arm (
    campaign_id bigint not null references campaign (id) on delete cascade,
    occurrence text not null,
    arm text not null,
    chosen boolean not null,                         -- of those told after this arm was chosen, who are compared with nobody
    hop smallint not null,
    dispatch_id bigint not null references dispatch (id),
    primary key (campaign_id, occurrence, arm, chosen, hop)
);
create unique index campaign_arm_dispatch on campaign_arm (dispatch_id);

-- A published version under another subject: what it was made of, and all else, stays as it is. It is no version that people
-- see, choose or change.
alter table template_version
    drop constraint template_version_state_check,
    add constraint template_version_state_check check (state in ('draft', 'published', 'variant')),
    drop constraint template_version_template_id_number_key,
    add column variant_of bigint references template_version (id) on delete cascade;
create unique index template_version_number on template_version (template_id, number) where state <> 'variant';
create unique index template_version_variant on template_version (variant_of, md5(subject)) where state = 'variant';
drop trigger template_version_final on template_version;
create trigger template_version_final before update on template_version
    for each row when (old.state <> 'draft') execute function template_version_is_final();
