-- The schema after every migration ran. Written by scripts/schema.py (`make schema`); never edited, never run.

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE FUNCTION public.budget_is_freed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into budget_entry (budget_id, reserved_at, reserved_micros, spent_micros)
    select b, old.reserved_at, -old.reserved_micros, 0 from unnest(old.budgets) as b;
    return null;
end $$;

CREATE FUNCTION public.consent_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'the consent ledger is append-only';
end $$;

CREATE FUNCTION public.deliveries_to(wanted text) RETURNS TABLE(id bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    with recursive spoken as (
        (select d.campaign_id from delivery d where d.campaign_id is not null order by d.campaign_id limit 1)
        union all
        select (select d.campaign_id from delivery d
                where d.campaign_id is not null and d.campaign_id > s.campaign_id order by d.campaign_id limit 1)
        from spoken s where s.campaign_id is not null
    )
    select d.id from spoken s cross join lateral (
        select d.id from delivery d
        where d.campaign_id is not null and d.campaign_id = s.campaign_id
          and hashtext(d.address) = hashtext(wanted) and d.address = wanted offset 0
    ) d
    union all
    select d.id from delivery d
    where d.campaign_id is null and hashtext(d.address) = hashtext(wanted) and d.address = wanted
$$;

CREATE FUNCTION public.delivery_was_not_said() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    delete from contact
    where delivery_id = new.id
      and profile_id in (select new.profile_id union all select to_id from alias where from_id = new.profile_id)
      and at >= coalesce((select max(i.at) from delivery_intervention i
                          where i.delivery_id = new.id and i.verb in ('retry', 'send_again')), '-infinity');
    return null;
end $$;

CREATE FUNCTION public.ensure_day(parent text, day date) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    child text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
    low text := quote_literal(day) ;
    high text := quote_literal(day + 1);
begin
    if to_regclass(format('%I', child)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('ensure_day:' || parent, 0));
    if to_regclass(format('%I', child)) is not null then
        return false;
    end if;
    if parent <> 'message_seen' then
        low := quote_literal(day::text || ' 00:00:00+00');
        high := quote_literal((day + 1)::text || ' 00:00:00+00');
    end if;
    begin
        execute format('create table %I (like %I including all)', child, parent);
    exception when duplicate_table then -- made while we waited for the lock; our view of the catalogue is older
        return false;
    end;
    if parent = 'journal' then
        execute format('alter table %I set (autovacuum_vacuum_insert_threshold = -1)', child);
    end if;
    execute format('alter table %I attach partition %I for values from (%s) to (%s)', parent, child, low, high);
    return true;
end
$$;

CREATE FUNCTION public.heeded(profile bigint, said jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    AS $$
declare
    gone text[];
begin
    with judged as (
        select name, computed, said -> name as value, trait_refused(computed, type, allowed, said -> name) as reason
        from trait_rule where said ? name and (computed or type is not null or allowed is not null)
    ), noted as (
        insert into trait_refusal (profile_id, name, value, reason)
        select profile, name, left(value::text, 200), reason from judged
        where reason <> 'computed' and not exists (
            select from trait_refusal r where r.name = judged.name and r.at > now() - interval '1 minute'
        )
    )
    select array_agg(name) into gone from judged where reason is not null;
    return case when gone is null then said else said - gone end;
end
$$;

CREATE FUNCTION public.preference_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'what customers said about preferences is append-only';
end $$;

CREATE TABLE public.segment (
    id bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    kind text NOT NULL,
    tree jsonb,
    refs bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    announce text DEFAULT 'changes'::text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    evaluated_at timestamp with time zone,
    evaluated_version integer,
    took_ms integer,
    size bigint DEFAULT 0 NOT NULL,
    delta_seq bigint DEFAULT 0 NOT NULL,
    failed text,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    freshness text DEFAULT 'periodic'::text NOT NULL,
    not_live text,
    CONSTRAINT segment_announce_check CHECK ((announce = ANY (ARRAY['changes'::text, 'everyone'::text, 'never'::text]))),
    CONSTRAINT segment_check CHECK (((kind = 'rule'::text) = (tree IS NOT NULL))),
    CONSTRAINT segment_freshness_check CHECK ((freshness = ANY (ARRAY['live'::text, 'periodic'::text]))),
    CONSTRAINT segment_kind_check CHECK ((kind = ANY (ARRAY['rule'::text, 'static'::text]))),
    CONSTRAINT segment_state_check CHECK ((state = ANY (ARRAY['active'::text, 'archived'::text])))
)
WITH (fillfactor='50');

CREATE FUNCTION public.segment_true_until(s public.segment) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    select case when s.freshness = 'live'
        then greatest(s.evaluated_at, (select p.at from segment_pulse p where p.bucket = s.id % 64)) else s.evaluated_at end
$$;

CREATE FUNCTION public.template_version_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'a published template version never changes' using errcode = 'check_violation';
end $$;

CREATE FUNCTION public.trait_fits(value jsonb, kind text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
select case jsonb_typeof(value)
    when 'null' then true
    when 'object' then false
    when 'array' then kind = 'text_list'
    else case kind
        when 'text' then true
        when 'text_list' then true
        when 'number' then
            case jsonb_typeof(value)
                when 'number' then abs(value::numeric) < 1.797693134862315808e308
                when 'string' then btrim(value #>> '{}') ~ '^[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})$'
                else false
            end
        when 'boolean' then jsonb_typeof(value) = 'boolean'
            or jsonb_typeof(value) = 'string' and lower(btrim(value #>> '{}')) in ('true', 'false')
        when 'date' then jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
            and pg_input_is_valid(value #>> '{}', 'date')
        else case
            when jsonb_typeof(value) <> 'string' or not pg_input_is_valid(value #>> '{}', 'timestamptz') then false
            when value #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$'
                then (value #>> '{}')::timestamptz >= '0001-01-01 00:00:00+00' and (value #>> '{}')::timestamptz < '10000-01-01 00:00:00+00'
            else false
        end
    end
end
$_$;

CREATE FUNCTION public.trait_refused(computed boolean, kind text, allowed text[], value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
select case
    when computed then 'computed'
    when value = 'null' then null
    when kind is not null and not trait_fits(value, kind) then 'type'
    when allowed is null then null
    when jsonb_typeof(value) = 'array' then
        case when exists (select from jsonb_array_elements_text(value) item (said) where said <> all (allowed)) then 'allowed' end
    when value #>> '{}' <> all (allowed) then 'allowed'
end
$$;

CREATE TABLE public.account_health (
    account_id bigint NOT NULL,
    state text DEFAULT 'working'::text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone,
    rest_seconds double precision DEFAULT 0 NOT NULL,
    paused_by text,
    reason text,
    error text,
    error_at timestamp with time zone,
    CONSTRAINT account_health_state_check CHECK ((state = ANY (ARRAY['working'::text, 'resting'::text, 'paused'::text])))
);

CREATE TABLE public.account_minute (
    account_id bigint NOT NULL,
    minute timestamp with time zone NOT NULL,
    sent integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    put_off integer DEFAULT 0 NOT NULL,
    unknown integer DEFAULT 0 NOT NULL,
    faults integer DEFAULT 0 NOT NULL,
    batches integer DEFAULT 0 NOT NULL,
    seconds double precision DEFAULT 0 NOT NULL,
    slowest double precision DEFAULT 0 NOT NULL
);

CREATE TABLE public.account_pace (
    account_id bigint NOT NULL,
    scope text NOT NULL,
    next_at timestamp with time zone NOT NULL,
    day date NOT NULL,
    taken integer DEFAULT 0 NOT NULL
);

CREATE TABLE public.account_terms (
    account_id bigint NOT NULL,
    per_second double precision,
    per_day integer,
    domains jsonb DEFAULT '[]'::jsonb NOT NULL,
    warmup jsonb,
    price_micros bigint,
    prices jsonb DEFAULT '{}'::jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT account_terms_per_day_check CHECK ((per_day >= 0)),
    CONSTRAINT account_terms_per_second_check CHECK ((per_second > (0)::double precision)),
    CONSTRAINT account_terms_price_micros_check CHECK ((price_micros >= 0))
);

CREATE TABLE public.alias (
    from_id bigint NOT NULL,
    to_id bigint NOT NULL,
    into_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    who text,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);

CREATE TABLE public.api_key (
    id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    hint text NOT NULL,
    token_hash bytea NOT NULL,
    permissions text[] NOT NULL,
    source_id bigint,
    created_by bigint,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_key_kind_check CHECK ((kind = ANY (ARRAY['api'::text, 'write'::text])))
);

ALTER TABLE public.api_key ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.api_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.campaign (
    id bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    channel text NOT NULL,
    segment_id bigint,
    excluded_segment_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    template_id bigint,
    template_version_id bigint,
    account_id bigint,
    topic text,
    message_class text DEFAULT 'marketing'::text NOT NULL,
    track_opens boolean DEFAULT true NOT NULL,
    track_clicks boolean DEFAULT true NOT NULL,
    send_at timestamp with time zone,
    state text DEFAULT 'draft'::text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    archived_at timestamp with time zone,
    kind text DEFAULT 'one_off'::text NOT NULL,
    local_at timestamp without time zone,
    recurrence jsonb,
    trigger jsonb,
    purpose text DEFAULT ''::text NOT NULL,
    split boolean DEFAULT false NOT NULL,
    hops jsonb DEFAULT '[]'::jsonb NOT NULL,
    holdout_percent real DEFAULT 0 NOT NULL,
    budget_micros bigint,
    goal jsonb,
    next_wall timestamp without time zone,
    next_at timestamp with time zone,
    authors text[] DEFAULT '{}'::text[] NOT NULL,
    approval jsonb,
    held_reason text,
    held jsonb,
    arms jsonb DEFAULT '[]'::jsonb NOT NULL,
    arm_choice jsonb,
    arm_winner jsonb,
    arms_due_at timestamp with time zone,
    usual_path boolean DEFAULT true NOT NULL,
    CONSTRAINT campaign_budget_micros_check CHECK ((budget_micros > 0)),
    CONSTRAINT campaign_holdout_percent_check CHECK (((holdout_percent >= (0)::double precision) AND (holdout_percent <= (50)::double precision))),
    CONSTRAINT campaign_kind_check CHECK ((kind = ANY (ARRAY['one_off'::text, 'recurring'::text, 'triggered'::text]))),
    CONSTRAINT campaign_message_class_check CHECK ((message_class = ANY (ARRAY['transactional'::text, 'service'::text, 'marketing'::text]))),
    CONSTRAINT campaign_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'awaiting_approval'::text, 'approved'::text, 'refused'::text, 'scheduled'::text, 'sending'::text, 'running'::text, 'paused'::text, 'finished'::text, 'cancelled'::text])))
);

CREATE TABLE public.conversion (
    campaign_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    key bytea NOT NULL,
    delivery_id bigint,
    ts timestamp with time zone NOT NULL,
    heard_at timestamp with time zone NOT NULL,
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    value numeric,
    by_code boolean DEFAULT false NOT NULL
);

CREATE TABLE public.delivery (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    intent_key text NOT NULL,
    dispatch_id bigint NOT NULL,
    campaign_id bigint,
    occurrence text DEFAULT ''::text NOT NULL,
    channel text NOT NULL,
    account_id bigint,
    message_class text NOT NULL,
    topic text,
    template_version_id bigint,
    address text,
    state text NOT NULL,
    reason text,
    planned_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    queued_at timestamp with time zone,
    claimed_at timestamp with time zone,
    speaking_at timestamp with time zone,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    bounced_at timestamp with time zone,
    opened_at timestamp with time zone,
    clicked_at timestamp with time zone,
    unsubscribed_at timestamp with time zone,
    complained_at timestamp with time zone,
    ended_at timestamp with time zone,
    opens integer DEFAULT 0 NOT NULL,
    clicks integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    provider_id text,
    detail text,
    variables jsonb,
    bucket smallint NOT NULL,
    hop smallint DEFAULT 0 NOT NULL,
    origin_id bigint,
    parts smallint,
    cost_micros bigint,
    replied_at timestamp with time zone,
    deferred_at timestamp with time zone,
    corrections smallint DEFAULT 0 NOT NULL,
    expires_asked boolean,
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'queued'::text, 'claimed'::text, 'speaking'::text, 'sent'::text, 'delivered'::text, 'bounced'::text, 'failed'::text, 'expired'::text, 'cancelled'::text, 'unknown'::text, 'suppressed'::text])))
)
WITH (fillfactor='65', autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.engagement (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    link_id bigint,
    url text,
    method text DEFAULT 'GET'::text NOT NULL,
    agent text DEFAULT ''::text NOT NULL,
    network text DEFAULT ''::text NOT NULL,
    visitor bytea,
    class text NOT NULL,
    rule text NOT NULL,
    rules_version smallint NOT NULL,
    by_hand boolean DEFAULT false NOT NULL,
    CONSTRAINT engagement_class_check CHECK ((class = ANY (ARRAY['person'::text, 'machine'::text]))),
    CONSTRAINT engagement_kind_check CHECK ((kind = ANY (ARRAY['opened'::text, 'clicked'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.05');

CREATE VIEW public.attributed_conversion AS
 SELECT campaign_id,
    profile_id,
    key,
    delivery_id,
    ts,
    heard_at,
    lane,
    seq,
    value,
    by_code,
    held,
    due_at,
    within,
        CASE
            WHEN held THEN
            CASE
                WHEN ((ts >= due_at) AND (ts <= (due_at + within))) THEN 'holdout'::text
                ELSE NULL::text
            END
            WHEN by_code THEN 'code'::text
            WHEN (EXISTS ( SELECT 1
               FROM public.delivery x
              WHERE (((x.id = t.delivery_id) OR (x.origin_id = t.delivery_id)) AND (x.clicked_at IS NOT NULL) AND (((x.clicked_at <= t.ts) AND (t.ts <= (x.clicked_at + t.within))) OR (EXISTS ( SELECT 1
                       FROM public.engagement e
                      WHERE ((e.delivery_id = x.id) AND (e.kind = 'clicked'::text) AND (e.class = 'person'::text) AND (e.at <= t.ts) AND (t.ts <= (e.at + t.within))))))))) THEN 'click'::text
            WHEN (EXISTS ( SELECT 1
               FROM public.delivery x
              WHERE (((x.id = t.delivery_id) OR (x.origin_id = t.delivery_id)) AND (x.sent_at <= t.ts) AND (t.ts <= (x.sent_at + t.within))))) THEN 'message'::text
            ELSE NULL::text
        END AS how
   FROM ( SELECT c.campaign_id,
            c.profile_id,
            c.key,
            c.delivery_id,
            c.ts,
            c.heard_at,
            c.lane,
            c.seq,
            c.value,
            c.by_code,
            (NOT (d.reason IS DISTINCT FROM 'holdout'::text)) AS held,
            d.due_at,
            make_interval(secs => ((g.goal ->> 'within_seconds'::text))::double precision) AS within
           FROM ((public.conversion c
             JOIN public.campaign g ON ((g.id = c.campaign_id)))
             LEFT JOIN public.delivery d ON ((d.id = c.delivery_id)))) t;

CREATE TABLE public.audit (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    who_kind text NOT NULL,
    who_id bigint NOT NULL,
    who_name text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
);

ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.budget (
    id bigint NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    channel text,
    account_id bigint,
    campaign_id bigint,
    period text NOT NULL,
    zone text DEFAULT 'UTC'::text NOT NULL,
    amount_micros bigint NOT NULL,
    warn_at smallint DEFAULT 80 NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT budget_amount_micros_check CHECK ((amount_micros >= 0)),
    CONSTRAINT budget_check CHECK (((scope = 'channel'::text) = (channel IS NOT NULL))),
    CONSTRAINT budget_check1 CHECK (((scope = 'account'::text) = (account_id IS NOT NULL))),
    CONSTRAINT budget_check2 CHECK (((scope = 'campaign'::text) = (campaign_id IS NOT NULL))),
    CONSTRAINT budget_period_check CHECK ((period = ANY (ARRAY['total'::text, 'day'::text, 'month'::text]))),
    CONSTRAINT budget_scope_check CHECK ((scope = ANY (ARRAY['everything'::text, 'channel'::text, 'account'::text, 'campaign'::text]))),
    CONSTRAINT budget_warn_at_check CHECK (((warn_at >= 1) AND (warn_at <= 100)))
);

CREATE TABLE public.budget_entry (
    budget_id bigint NOT NULL,
    reserved_at timestamp with time zone NOT NULL,
    reserved_micros bigint NOT NULL,
    spent_micros bigint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

ALTER TABLE public.budget ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.budget_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.budget_use (
    budget_id bigint NOT NULL,
    period_start date NOT NULL,
    reserved_micros bigint DEFAULT 0 NOT NULL,
    spent_micros bigint DEFAULT 0 NOT NULL,
    warned_at timestamp with time zone,
    exhausted_at timestamp with time zone
);

CREATE TABLE public.business_clock (
    one boolean DEFAULT true NOT NULL,
    "offset" interval DEFAULT '00:00:00'::interval NOT NULL,
    CONSTRAINT business_clock_one_check CHECK (one)
);

CREATE TABLE public.callback_refused (
    account_id bigint NOT NULL,
    cause text NOT NULL,
    count bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    last_detail text DEFAULT ''::text NOT NULL
);

CREATE TABLE public.campaign_answered (
    campaign_id bigint NOT NULL,
    key bytea NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.campaign_arm (
    campaign_id bigint NOT NULL,
    occurrence text NOT NULL,
    arm text NOT NULL,
    chosen boolean NOT NULL,
    hop smallint NOT NULL,
    dispatch_id bigint NOT NULL
);

CREATE TABLE public.campaign_audience (
    campaign_id bigint NOT NULL,
    occurrence text NOT NULL,
    members bytea NOT NULL,
    excluded bytea NOT NULL,
    size bigint NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    frozen_at timestamp with time zone NOT NULL,
    planned_for timestamp with time zone,
    local_at timestamp without time zone,
    template_version_id bigint,
    account_id bigint,
    over_at timestamp with time zone,
    waits boolean DEFAULT false NOT NULL
);

ALTER TABLE public.campaign ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.campaign_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.campaign_last (
    campaign_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.campaign_report (
    campaign_id bigint NOT NULL,
    part text NOT NULL,
    as_of timestamp with time zone NOT NULL,
    took_ms integer NOT NULL,
    body jsonb NOT NULL
);

CREATE TABLE public.campaign_rule (
    one boolean DEFAULT true NOT NULL,
    approval text DEFAULT 'off'::text NOT NULL,
    approval_over bigint DEFAULT 0 NOT NULL,
    changed_at timestamp with time zone,
    changed_by text,
    CONSTRAINT campaign_rule_approval_check CHECK ((approval = ANY (ARRAY['off'::text, 'over'::text, 'always'::text]))),
    CONSTRAINT campaign_rule_one_check CHECK (one)
);

CREATE TABLE public.campaign_snapshot (
    campaign_id bigint NOT NULL,
    hours smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    numbers jsonb NOT NULL
);

CREATE TABLE public.channel_account (
    id bigint NOT NULL,
    channel text NOT NULL,
    name text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    sealed bytea NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    provider text NOT NULL
);

ALTER TABLE public.channel_account ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.channel_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.computed_corrected (
    one boolean DEFAULT true NOT NULL,
    seq bigint NOT NULL,
    CONSTRAINT computed_corrected_one_check CHECK (one)
);

CREATE TABLE public.computed_cursor (
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.computed_dirty (
    profile_id bigint NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.computed_newcomers (
    one boolean DEFAULT true NOT NULL,
    mark bigint DEFAULT 0 NOT NULL,
    before bigint DEFAULT 0 NOT NULL,
    at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT computed_newcomers_one_check CHECK (one)
);

CREATE TABLE public.computed_trait (
    id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    description text DEFAULT ''::text NOT NULL,
    definition jsonb NOT NULL,
    state text DEFAULT 'filling'::text NOT NULL,
    progress bigint DEFAULT 0 NOT NULL,
    anchor date NOT NULL,
    filled_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT computed_trait_state_check CHECK ((state = ANY (ARRAY['filling'::text, 'settling'::text, 'ready'::text, 'removing'::text])))
);

ALTER TABLE public.computed_trait ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.computed_trait_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.consent (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    channel text NOT NULL,
    topic text NOT NULL,
    state text NOT NULL,
    at timestamp with time zone NOT NULL,
    source text NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT consent_state_check CHECK ((state = ANY (ARRAY['granted'::text, 'withdrawn'::text, 'pending'::text])))
);

ALTER TABLE public.consent ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.consent_state (
    profile_id bigint NOT NULL,
    channel text NOT NULL,
    topic text NOT NULL,
    state text NOT NULL,
    at timestamp with time zone NOT NULL,
    consent_id bigint NOT NULL
)
WITH (fillfactor='85');

CREATE TABLE public.contact (
    profile_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    delivery_id bigint NOT NULL,
    kind integer NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.02', autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.contact_kind (
    id integer NOT NULL,
    message_class text NOT NULL,
    channel text NOT NULL,
    topic text,
    urgency smallint NOT NULL
);

ALTER TABLE public.contact_kind ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.contact_kind_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.cost_day (
    day date NOT NULL,
    channel text NOT NULL,
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    message_class text NOT NULL,
    messages bigint NOT NULL,
    parts bigint NOT NULL,
    micros bigint NOT NULL
);

CREATE TABLE public.cost_entry (
    day date NOT NULL,
    channel text NOT NULL,
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    message_class text NOT NULL,
    messages integer NOT NULL,
    parts integer NOT NULL,
    micros bigint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

CREATE TABLE public.customer_group (
    id text NOT NULL COLLATE pg_catalog."C",
    traits jsonb DEFAULT '{}'::jsonb NOT NULL,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.delivery_displaced (
    profile_id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    look_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    said_again boolean DEFAULT false NOT NULL
);

ALTER TABLE public.delivery ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.delivery_intervention (
    id bigint NOT NULL,
    delivery_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    verb text NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    state text NOT NULL,
    reason text,
    detail text,
    sent_at timestamp with time zone,
    CONSTRAINT delivery_intervention_verb_check CHECK ((verb = ANY (ARRAY['retry'::text, 'delivered'::text, 'not_delivered'::text, 'send_again'::text, 'room'::text])))
);

ALTER TABLE public.delivery_intervention ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.delivery_intervention_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.delivery_path (
    message_class text NOT NULL,
    hops jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.delivery_queue (
    delivery_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    dispatch_id bigint NOT NULL,
    bucket smallint NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    epoch bigint,
    claimed_at timestamp with time zone,
    speaking_at timestamp with time zone,
    avoid bigint,
    budgets bigint[],
    reserved_micros bigint,
    reserved_at timestamp with time zone,
    CONSTRAINT delivery_queue_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'claimed'::text, 'speaking'::text])))
)
WITH (fillfactor='60', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

CREATE TABLE public.delivery_route (
    id bigint NOT NULL,
    channel text NOT NULL,
    "position" integer NOT NULL,
    name text NOT NULL,
    match jsonb DEFAULT '{}'::jsonb NOT NULL,
    strategy text NOT NULL,
    otherwise text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT delivery_route_otherwise_check CHECK ((otherwise = ANY (ARRAY['wait'::text, 'next'::text]))),
    CONSTRAINT delivery_route_strategy_check CHECK ((strategy = ANY (ARRAY['in_order'::text, 'share'::text, 'cheapest'::text])))
);

ALTER TABLE public.delivery_route ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.delivery_route_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.delivery_route_target (
    route_id bigint NOT NULL,
    "position" smallint NOT NULL,
    account_id bigint NOT NULL,
    share double precision DEFAULT 1 NOT NULL,
    CONSTRAINT delivery_route_target_share_check CHECK ((share >= (0)::double precision))
);

CREATE TABLE public.delivery_rule (
    one boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    quiet jsonb DEFAULT '{}'::jsonb NOT NULL,
    windows jsonb DEFAULT '{}'::jsonb NOT NULL,
    contacts_pruned_to bigint DEFAULT 0 NOT NULL,
    contacts_pruned_at timestamp with time zone,
    CONSTRAINT delivery_rule_one_check CHECK (one)
);

CREATE TABLE public.delivery_settle (
    bucket smallint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    delivery_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    sent_at timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.delivery_watch (
    bucket smallint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    delivery_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    dispatch_id bigint NOT NULL,
    wants text NOT NULL,
    CONSTRAINT delivery_watch_wants_check CHECK ((wants = ANY (ARRAY['end'::text, 'receipt'::text, 'answer'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.dialogue (
    profile_id bigint NOT NULL,
    channel text NOT NULL,
    at timestamp with time zone NOT NULL,
    text text NOT NULL,
    delivery_id bigint
)
WITH (fillfactor='85');

CREATE TABLE public.dispatch (
    id bigint NOT NULL,
    key text NOT NULL,
    campaign_id bigint,
    occurrence text DEFAULT ''::text NOT NULL,
    channel text NOT NULL,
    account_id bigint,
    message_class text NOT NULL,
    topic text,
    template_version_id bigint,
    content jsonb,
    track_opens boolean DEFAULT false NOT NULL,
    track_clicks boolean DEFAULT false NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    purpose text DEFAULT ''::text NOT NULL,
    split boolean DEFAULT false NOT NULL,
    hops jsonb DEFAULT '[]'::jsonb NOT NULL,
    hop smallint DEFAULT 0 NOT NULL,
    priority smallint DEFAULT 5 NOT NULL,
    next_id bigint,
    CONSTRAINT dispatch_check CHECK (((message_class <> 'marketing'::text) OR (topic IS NOT NULL))),
    CONSTRAINT dispatch_check1 CHECK (((template_version_id IS NULL) <> (content IS NULL))),
    CONSTRAINT dispatch_message_class_check CHECK ((message_class = ANY (ARRAY['one_time_code'::text, 'transactional'::text, 'service'::text, 'marketing'::text, 'staff'::text, 'test'::text]))),
    CONSTRAINT dispatch_priority_check CHECK (((priority >= 0) AND (priority <= 9))),
    CONSTRAINT dispatch_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'cancelled'::text])))
);

ALTER TABLE public.dispatch ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dispatch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.engagement ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.engagement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event (
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    ts timestamp with time zone NOT NULL,
    profile_id bigint,
    name text NOT NULL,
    kind text NOT NULL,
    message_id text NOT NULL,
    source_id integer NOT NULL,
    properties jsonb NOT NULL,
    context jsonb
)
PARTITION BY RANGE (received_at);

CREATE TABLE public.event_corrected (
    seq bigint NOT NULL,
    profile_id bigint NOT NULL,
    name text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE public.event_corrected ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_corrected_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event_correction (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    name text NOT NULL,
    becomes text NOT NULL,
    message_ids text[] NOT NULL,
    asked_at timestamp with time zone NOT NULL
);

ALTER TABLE public.event_correction ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.event_correction_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event_day_flushed (
    day date NOT NULL,
    lanes jsonb NOT NULL,
    flushed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.event_name (
    name text NOT NULL,
    kind text NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    properties jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.event_reader (
    reader text NOT NULL,
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.experiment (
    id integer NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    salt text NOT NULL,
    design jsonb NOT NULL,
    layer text,
    slots integer[] DEFAULT '{}'::integer[] NOT NULL,
    dealt boolean DEFAULT false NOT NULL,
    winner smallint,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    stopped_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT experiment_check CHECK (((state = 'draft'::text) = (started_at IS NULL))),
    CONSTRAINT experiment_check1 CHECK (((state = 'finished'::text) = (finished_at IS NOT NULL))),
    CONSTRAINT experiment_key_check CHECK ((key ~ '^[a-z][a-z0-9_-]{0,59}$'::text)),
    CONSTRAINT experiment_kind_check CHECK ((kind = ANY (ARRAY['random'::text, 'holdout'::text, 'adopted'::text]))),
    CONSTRAINT experiment_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'running'::text, 'stopped'::text, 'finished'::text])))
);

CREATE TABLE public.experiment_course (
    experiment_id integer NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    took_ms integer NOT NULL,
    body jsonb NOT NULL
);

CREATE TABLE public.experiment_deal (
    experiment_id integer NOT NULL,
    stratum text NOT NULL,
    arm smallint NOT NULL,
    size bigint NOT NULL,
    ids bytea NOT NULL
);
ALTER TABLE ONLY public.experiment_deal ALTER COLUMN ids SET STORAGE EXTERNAL;

CREATE TABLE public.experiment_exposure (
    experiment_id integer NOT NULL,
    profile_id bigint NOT NULL,
    arm smallint NOT NULL,
    exposed_at timestamp with time zone NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.05');

ALTER TABLE public.experiment ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.experiment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.experiment_layer (
    name text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    salt text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT experiment_layer_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{0,39}$'::text))
);

CREATE TABLE public.experiment_result (
    experiment_id integer NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    settles_at timestamp with time zone NOT NULL,
    took_ms integer NOT NULL,
    body jsonb NOT NULL,
    wanted_at timestamp with time zone
);

CREATE TABLE public.experiment_slot (
    layer text NOT NULL,
    slot smallint NOT NULL,
    experiment_id integer NOT NULL,
    CONSTRAINT experiment_slot_slot_check CHECK (((slot >= 0) AND (slot <= 999)))
);

CREATE TABLE public.frequency_cap (
    id bigint NOT NULL,
    name text NOT NULL,
    most integer NOT NULL,
    seconds integer NOT NULL,
    classes text[] NOT NULL,
    topics text[] DEFAULT '{}'::text[] NOT NULL,
    channels text[] DEFAULT '{}'::text[] NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT frequency_cap_most_check CHECK (((most >= 1) AND (most <= 1000))),
    CONSTRAINT frequency_cap_seconds_check CHECK (((seconds >= 60) AND (seconds <= 31622400)))
);

ALTER TABLE public.frequency_cap ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.frequency_cap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.holdout (
    name text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    percent double precision NOT NULL,
    salt text NOT NULL,
    period text DEFAULT 'always'::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT holdout_percent_check CHECK (((percent >= (0)::double precision) AND (percent <= (50)::double precision))),
    CONSTRAINT holdout_period_check CHECK ((period = ANY (ARRAY['always'::text, 'year'::text, 'quarter'::text, 'month'::text])))
);

CREATE TABLE public.identity (
    kind text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    profile_id bigint NOT NULL,
    origin_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    with_kind text COLLATE pg_catalog."C",
    with_value text COLLATE pg_catalog."C",
    stamp text COLLATE pg_catalog."C",
    seen date,
    shared boolean DEFAULT false NOT NULL
);

CREATE TABLE public.identity_claim (
    kind text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    with_kind text NOT NULL COLLATE pg_catalog."C",
    with_value text NOT NULL COLLATE pg_catalog."C",
    stamp text NOT NULL COLLATE pg_catalog."C",
    seen date,
    state text DEFAULT 'said'::text NOT NULL,
    who text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT identity_claim_state_check CHECK ((state = ANY (ARRAY['said'::text, 'word'::text, 'cut'::text])))
);

CREATE TABLE public.identity_epoch (
    one boolean DEFAULT true NOT NULL,
    epoch bigint NOT NULL,
    CONSTRAINT identity_epoch_one_check CHECK (one)
);

CREATE TABLE public.identity_kind (
    name text NOT NULL,
    title text NOT NULL,
    form text NOT NULL,
    household boolean NOT NULL,
    proposes boolean NOT NULL,
    most integer NOT NULL,
    people integer NOT NULL,
    quiet_days integer NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT identity_kind_form_check CHECK ((form = ANY (ARRAY['exact'::text, 'lower'::text, 'card'::text, 'handle'::text, 'email'::text, 'phone'::text]))),
    CONSTRAINT identity_kind_most_check CHECK (((most >= 1) AND (most <= 100000))),
    CONSTRAINT identity_kind_people_check CHECK (((people >= 1) AND (people <= 10000))),
    CONSTRAINT identity_kind_quiet_days_check CHECK (((quiet_days >= 0) AND (quiet_days <= 36500)))
);

CREATE TABLE public.import (
    id bigint NOT NULL,
    file_id bigint CONSTRAINT import_file_id_not_null1 NOT NULL,
    kind text NOT NULL,
    map jsonb NOT NULL,
    dry_run boolean NOT NULL,
    as_of timestamp with time zone NOT NULL,
    job_id bigint NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    made bigint DEFAULT 0 NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    unchanged bigint DEFAULT 0 NOT NULL,
    reasons jsonb DEFAULT '{}'::jsonb NOT NULL,
    errors text,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    said bigint DEFAULT 0 NOT NULL,
    CONSTRAINT import_kind_check CHECK ((kind = ANY (ARRAY['customers'::text, 'events'::text]))),
    CONSTRAINT import_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text])))
);

CREATE TABLE public.import_file (
    id bigint NOT NULL,
    name text NOT NULL,
    path text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    uploaded_by text NOT NULL,
    uploaded_at timestamp with time zone NOT NULL
);

ALTER TABLE public.import_file ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.import_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.import ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.import_key (
    key uuid NOT NULL
);

CREATE TABLE public.intake_cursor (
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.invitation (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    purpose text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT invitation_purpose_check CHECK ((purpose = ANY (ARRAY['invitation'::text, 'reset'::text])))
);

ALTER TABLE public.invitation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.invitation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.job (
    id bigint NOT NULL,
    kind text NOT NULL,
    args jsonb NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    total bigint,
    message text DEFAULT ''::text NOT NULL,
    result jsonb,
    error text,
    cancel_asked boolean DEFAULT false NOT NULL,
    owner text,
    expires timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    created_by text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    run_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);

ALTER TABLE public.job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journal (
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    source_id integer NOT NULL,
    sent_at timestamp with time zone,
    payload bytea NOT NULL
)
PARTITION BY RANGE (received_at);

CREATE TABLE public.journey (
    id bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    draft jsonb NOT NULL,
    draft_revision integer DEFAULT 1 NOT NULL,
    live_version_id bigint,
    held_reason text,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by text NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    emptied_at timestamp with time zone,
    approval jsonb,
    authors text[] DEFAULT '{}'::text[] NOT NULL,
    kept_entries integer DEFAULT 0 NOT NULL,
    CONSTRAINT journey_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'live'::text, 'paused'::text, 'finished'::text, 'archived'::text])))
);

CREATE TABLE public.journey_aside (
    profile_id bigint NOT NULL,
    run_id bigint NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    journey_id bigint NOT NULL,
    version_id bigint NOT NULL,
    step smallint NOT NULL,
    turn integer NOT NULL,
    moved boolean NOT NULL,
    coming boolean NOT NULL,
    wake_at timestamp with time zone,
    entered_at timestamp with time zone NOT NULL,
    arrived_at timestamp with time zone NOT NULL,
    key text NOT NULL,
    memory jsonb,
    origin bigint,
    CONSTRAINT journey_aside_reason_check CHECK ((reason = ANY (ARRAY['taken_out'::text, 'merged'::text])))
);

CREATE TABLE public.journey_ask (
    profile_id bigint NOT NULL,
    run_id bigint NOT NULL,
    step text NOT NULL,
    turn integer NOT NULL,
    journey_id bigint NOT NULL,
    bucket smallint NOT NULL,
    request_id bigint NOT NULL,
    body jsonb NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    status integer,
    reason text,
    ended_at timestamp with time zone,
    CONSTRAINT journey_ask_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'answered'::text, 'failed'::text, 'too_late'::text])))
)
WITH (fillfactor='80');

CREATE TABLE public.journey_count (
    version_id bigint NOT NULL,
    step smallint NOT NULL,
    did text NOT NULL,
    how text NOT NULL,
    day date NOT NULL,
    slot smallint NOT NULL,
    people bigint NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.journey_entry_key (
    journey_id bigint NOT NULL,
    key bytea NOT NULL,
    body bytea NOT NULL,
    answer jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.journey_gate (
    journey_id bigint NOT NULL,
    step text NOT NULL,
    turns jsonb DEFAULT '[]'::jsonb NOT NULL,
    passed jsonb DEFAULT '[]'::jsonb NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.journey_heard (
    bucket smallint NOT NULL,
    profile_id bigint NOT NULL,
    id bigint NOT NULL,
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    ts timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    properties jsonb NOT NULL,
    journey_id bigint,
    admits boolean DEFAULT true NOT NULL,
    begun smallint DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000');

ALTER TABLE public.journey_heard ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_heard_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_history (
    profile_id bigint NOT NULL,
    run_id bigint NOT NULL,
    journey_id bigint NOT NULL,
    version_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    path jsonb NOT NULL,
    n bigint NOT NULL
);

ALTER TABLE public.journey_history ALTER COLUMN n ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_history_n_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.journey ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_intake (
    id bigint NOT NULL,
    journey_id bigint NOT NULL,
    source text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    key text NOT NULL,
    members bytea,
    size bigint,
    taken bigint DEFAULT 0 NOT NULL,
    entered bigint DEFAULT 0 NOT NULL,
    at timestamp with time zone NOT NULL,
    over_at timestamp with time zone,
    CONSTRAINT journey_intake_source_check CHECK ((source = ANY (ARRAY['present'::text, 'schedule'::text, 'import'::text])))
);

ALTER TABLE public.journey_intake ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_intake_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_move (
    id bigint NOT NULL,
    journey_id bigint NOT NULL,
    from_version_id bigint,
    to_version_id bigint,
    kind text NOT NULL,
    back boolean DEFAULT false NOT NULL,
    map jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    moved bigint DEFAULT 0 NOT NULL,
    gone bigint DEFAULT 0 NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    opened timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    done_at timestamp with time zone,
    queued text DEFAULT 'say'::text NOT NULL,
    CONSTRAINT journey_move_kind_check CHECK ((kind = ANY (ARRAY['stay'::text, 'move'::text, 'leave'::text, 'end'::text]))),
    CONSTRAINT journey_move_queued_check CHECK ((queued = ANY (ARRAY['say'::text, 'cancel'::text]))),
    CONSTRAINT journey_move_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'stopped'::text])))
);

ALTER TABLE public.journey_move ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_move_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_outgoing (
    id bigint NOT NULL,
    bucket smallint NOT NULL,
    profile_id bigint NOT NULL,
    payload bytea NOT NULL
);

ALTER TABLE public.journey_outgoing ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_outgoing_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_past (
    profile_id bigint NOT NULL,
    run_id bigint NOT NULL,
    journey_id bigint NOT NULL,
    version_id bigint NOT NULL,
    step smallint,
    reason text NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    converted boolean DEFAULT false NOT NULL,
    value numeric,
    entered_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL
);

CREATE TABLE public.journey_rehearsal (
    id bigint NOT NULL,
    journey_id bigint NOT NULL,
    definition jsonb NOT NULL,
    asked jsonb NOT NULL,
    state text NOT NULL,
    job_id bigint,
    report jsonb,
    error text,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT journey_rehearsal_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);

ALTER TABLE public.journey_rehearsal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_rehearsal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_request (
    id bigint NOT NULL,
    digest bytea NOT NULL,
    url text NOT NULL,
    method text NOT NULL,
    sealed bytea NOT NULL
);

ALTER TABLE public.journey_request ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_rule (
    one boolean DEFAULT true NOT NULL,
    approval text DEFAULT 'off'::text NOT NULL,
    changed_at timestamp with time zone,
    changed_by text,
    CONSTRAINT journey_rule_approval_check CHECK ((approval = ANY (ARRAY['off'::text, 'always'::text]))),
    CONSTRAINT journey_rule_one_check CHECK (one)
);

CREATE TABLE public.journey_run (
    profile_id bigint NOT NULL,
    id bigint NOT NULL,
    journey_id bigint NOT NULL,
    version_id bigint NOT NULL,
    bucket smallint NOT NULL,
    step smallint NOT NULL,
    turn integer DEFAULT 0 NOT NULL,
    moved boolean DEFAULT false NOT NULL,
    wake_at timestamp with time zone,
    entered_at timestamp with time zone NOT NULL,
    arrived_at timestamp with time zone NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    memory jsonb,
    origin bigint,
    coming boolean DEFAULT false NOT NULL
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.2');

ALTER TABLE public.journey_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_schedule (
    journey_id bigint NOT NULL,
    entry text NOT NULL,
    schedule jsonb NOT NULL,
    next_wall timestamp without time zone,
    next_at timestamp with time zone
);

CREATE TABLE public.journey_version (
    id bigint NOT NULL,
    journey_id bigint NOT NULL,
    number integer NOT NULL,
    definition jsonb NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    published_at timestamp with time zone NOT NULL,
    published_by text NOT NULL,
    treatment jsonb,
    approval jsonb
);

ALTER TABLE public.journey_version ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.lake_upkeep (
    task text NOT NULL,
    done_at timestamp with time zone NOT NULL
);

CREATE TABLE public.lease (
    loop text NOT NULL,
    bucket integer NOT NULL,
    owner text DEFAULT ''::text NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    expires timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.link (
    id bigint NOT NULL,
    template_version_id bigint NOT NULL,
    url text NOT NULL
);

ALTER TABLE public.link ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.link_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.membership (
    profile_id bigint NOT NULL,
    group_id text NOT NULL COLLATE pg_catalog."C",
    origin_id bigint,
    joined_at timestamp with time zone NOT NULL
);

CREATE TABLE public.merge_proposal (
    id bigint NOT NULL,
    low_id bigint NOT NULL,
    high_id bigint NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_at timestamp with time zone,
    decided_by text,
    question text DEFAULT 'one_person'::text NOT NULL,
    undo jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT merge_proposal_check CHECK ((low_id < high_id)),
    CONSTRAINT merge_proposal_question_check CHECK ((question = ANY (ARRAY['one_person'::text, 'recycled'::text]))),
    CONSTRAINT merge_proposal_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'refused'::text])))
);

ALTER TABLE public.merge_proposal ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.merge_proposal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.message_request (
    id bigint NOT NULL,
    owner text NOT NULL,
    key bytea NOT NULL,
    body bytea NOT NULL,
    delivery_id bigint,
    at timestamp with time zone NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE public.message_request ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.message_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.message_seen (
    key uuid NOT NULL,
    seen_on date NOT NULL
)
PARTITION BY RANGE (seen_on);

CREATE TABLE public.message_text (
    profile_id bigint NOT NULL,
    dispatch_id bigint NOT NULL
);

CREATE TABLE public.migration (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.mirror_change (
    seq bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ids bytea NOT NULL
);

ALTER TABLE public.mirror_change ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mirror_change_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.newcomer_unindexed (
    first_id bigint NOT NULL,
    last_id bigint NOT NULL
);

CREATE TABLE public.newcomer_unmirrored (
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.node (
    name text NOT NULL,
    kind text NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires timestamp with time zone NOT NULL
);

CREATE TABLE public.notice (
    id bigint NOT NULL,
    listener text NOT NULL,
    topic text NOT NULL,
    body jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    error text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE public.notice ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.overview_point (
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    numbers jsonb NOT NULL
);

CREATE TABLE public.person (
    id bigint NOT NULL,
    email text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    role text NOT NULL,
    password_hash text,
    locale text DEFAULT 'en'::text NOT NULL,
    theme text DEFAULT 'auto'::text NOT NULL,
    totp_secret bytea,
    totp_confirmed boolean DEFAULT false NOT NULL,
    totp_last_step bigint DEFAULT 0 NOT NULL,
    recovery_hashes bytea[] DEFAULT '{}'::bytea[] NOT NULL,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_sign_in_at timestamp with time zone,
    CONSTRAINT person_email_check CHECK ((email = lower(email))),
    CONSTRAINT person_locale_check CHECK ((locale = ANY (ARRAY['en'::text, 'ru'::text, 'zh'::text]))),
    CONSTRAINT person_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'marketer'::text, 'analyst'::text, 'agent'::text, 'branch_manager'::text, 'developer'::text]))),
    CONSTRAINT person_theme_check CHECK ((theme = ANY (ARRAY['auto'::text, 'light'::text, 'dark'::text])))
);

ALTER TABLE public.person ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.person_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.preference (
    profile_id bigint NOT NULL,
    aspect text NOT NULL,
    value jsonb,
    at timestamp with time zone NOT NULL,
    source text NOT NULL,
    change_id bigint CONSTRAINT preference_change_id_not_null1 NOT NULL
)
WITH (fillfactor='85');

CREATE TABLE public.preference_centre (
    one boolean DEFAULT true NOT NULL,
    logo text DEFAULT ''::text NOT NULL,
    titles jsonb DEFAULT '{}'::jsonb NOT NULL,
    topics text[],
    channels text[],
    languages text[] DEFAULT '{en,ru,zh}'::text[] NOT NULL,
    changed_at timestamp with time zone,
    CONSTRAINT preference_centre_one_check CHECK (one)
);

CREATE TABLE public.preference_change (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    aspect text NOT NULL,
    value jsonb,
    at timestamp with time zone NOT NULL,
    source text NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT preference_change_aspect_check CHECK ((aspect = ANY (ARRAY['channel'::text, 'frequency'::text, 'language'::text, 'quiet_hours'::text, 'paused_until'::text])))
);

ALTER TABLE public.preference_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.preference_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE UNLOGGED TABLE public.process_metrics (
    node text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE public.profile (
    id bigint NOT NULL,
    traits jsonb DEFAULT '{}'::jsonb NOT NULL,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    stamp text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    merged_into bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    first_seen timestamp with time zone,
    last_seen timestamp with time zone,
    born text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    head text COLLATE pg_catalog."C"
)
WITH (fillfactor='90');

CREATE TABLE public.profile_dirty (
    profile_id bigint NOT NULL,
    version bigint NOT NULL
)
WITH (fillfactor='70');

ALTER TABLE public.profile ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.profile_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.profile_search (
    profile_id bigint NOT NULL,
    words text NOT NULL
);

CREATE TABLE public.profile_unindexed (
    profile_id bigint NOT NULL
)
WITH (fillfactor='70');

CREATE SEQUENCE public.profile_version
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.provider_message (
    account_id bigint NOT NULL,
    provider_id text NOT NULL,
    delivery_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    parts smallint DEFAULT 1 NOT NULL,
    delivered_at timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.purpose (
    name text NOT NULL,
    title text NOT NULL,
    rank smallint NOT NULL,
    renamed boolean DEFAULT false NOT NULL,
    archived_at timestamp with time zone
);

CREATE TABLE public.reject (
    id bigint NOT NULL,
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    source_id integer NOT NULL,
    sent_at timestamp with time zone,
    payload bytea NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    replayed_at timestamp with time zone
);

ALTER TABLE public.reject ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.reject_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reply_file (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    delivery_id bigint,
    channel text NOT NULL,
    name text NOT NULL,
    content_type text NOT NULL,
    size integer NOT NULL,
    octets bytea NOT NULL,
    at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.reply_file ALTER COLUMN octets SET STORAGE EXTERNAL;

ALTER TABLE public.reply_file ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reply_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.said (
    kind text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    traits jsonb DEFAULT '{}'::jsonb NOT NULL,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE public.segment_base (
    segment_id bigint NOT NULL,
    seq bigint NOT NULL,
    size bigint NOT NULL,
    ids bytea NOT NULL
);
ALTER TABLE ONLY public.segment_base ALTER COLUMN ids SET STORAGE EXTERNAL;

CREATE TABLE public.segment_delta (
    segment_id bigint NOT NULL,
    seq bigint CONSTRAINT segment_delta_seq_not_null1 NOT NULL,
    changes bigint NOT NULL,
    entered bytea NOT NULL,
    gone bytea NOT NULL
);

CREATE TABLE public.segment_growth (
    segment_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    size bigint NOT NULL,
    entered bigint NOT NULL,
    gone bigint NOT NULL
);

ALTER TABLE public.segment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.segment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.segment_pulse (
    bucket smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    beat timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

CREATE TABLE public.segment_version (
    segment_id bigint NOT NULL,
    version integer NOT NULL,
    tree jsonb NOT NULL,
    published_at timestamp with time zone NOT NULL,
    published_by text NOT NULL
);

CREATE TABLE public.session (
    token_hash bytea NOT NULL,
    person_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    agent text DEFAULT ''::text NOT NULL
);

CREATE TABLE public.sign_in_attempt (
    subject text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    attempts integer DEFAULT 1 NOT NULL
);

CREATE TABLE public.signal_heard (
    account_id bigint NOT NULL,
    digest bytea NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.signal_waiting (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    provider_id text,
    delivery_id bigint,
    address text,
    body bytea NOT NULL,
    at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000');

ALTER TABLE public.signal_waiting ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.signal_waiting_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.source (
    id integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.source ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.suitability (
    purpose text NOT NULL,
    channel text NOT NULL,
    verdict text NOT NULL,
    rank smallint DEFAULT 0 NOT NULL,
    CONSTRAINT suitability_verdict_check CHECK ((verdict = ANY (ARRAY['default'::text, 'allowed'::text, 'reserve'::text, 'refused'::text])))
);

CREATE TABLE public.suppression (
    channel text NOT NULL,
    address text NOT NULL,
    reason text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    CONSTRAINT suppression_reason_check CHECK ((reason = ANY (ARRAY['hard_bounce'::text, 'complaint'::text, 'manual'::text])))
);

CREATE TABLE public.suppression_digest (
    channel text NOT NULL,
    digest bytea NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT suppression_digest_reason_check CHECK ((reason = ANY (ARRAY['hard_bounce'::text, 'complaint'::text, 'manual'::text])))
);

CREATE TABLE public.template (
    id bigint NOT NULL,
    channel text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    archived_at timestamp with time zone
);

ALTER TABLE public.template ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.template_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.template_version (
    id bigint NOT NULL,
    template_id bigint NOT NULL,
    number integer NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    format text NOT NULL,
    subject text NOT NULL,
    preheader text NOT NULL,
    body text NOT NULL,
    text text,
    changed_by text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone,
    variant_of bigint,
    CONSTRAINT template_version_format_check CHECK ((format = ANY (ARRAY['mjml'::text, 'html'::text, 'text'::text]))),
    CONSTRAINT template_version_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'published'::text, 'variant'::text])))
);

ALTER TABLE public.template_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.template_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.topic (
    name text NOT NULL,
    title text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    translations jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT topic_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{0,39}$'::text))
);

CREATE TABLE public.trait (
    name text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL,
    column_name text NOT NULL,
    next_type text,
    next_column text,
    description text DEFAULT ''::text NOT NULL,
    personal boolean DEFAULT false NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    misfit text,
    misfit_at timestamp with time zone,
    locked boolean DEFAULT false NOT NULL,
    allowed text[],
    unit text DEFAULT ''::text NOT NULL,
    archived boolean DEFAULT false NOT NULL,
    CONSTRAINT trait_next_type_check CHECK ((next_type = ANY (ARRAY['text'::text, 'number'::text, 'boolean'::text, 'instant'::text, 'date'::text, 'text_list'::text]))),
    CONSTRAINT trait_type_check CHECK ((type = ANY (ARRAY['text'::text, 'number'::text, 'boolean'::text, 'instant'::text, 'date'::text, 'text_list'::text])))
);

CREATE TABLE public.trait_refusal (
    id bigint NOT NULL,
    profile_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT trait_refusal_reason_check CHECK ((reason = ANY (ARRAY['type'::text, 'allowed'::text])))
);

ALTER TABLE public.trait_refusal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.trait_refusal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.trait_rule (
    name text NOT NULL COLLATE pg_catalog."C",
    computed boolean DEFAULT false NOT NULL,
    type text,
    allowed text[],
    personal boolean DEFAULT false NOT NULL,
    CONSTRAINT trait_rule_type_check CHECK ((type = ANY (ARRAY['text'::text, 'number'::text, 'boolean'::text, 'instant'::text, 'date'::text, 'text_list'::text])))
);

CREATE TABLE public.trait_tally (
    profile_id bigint NOT NULL,
    computed_id bigint NOT NULL,
    day date NOT NULL,
    item text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    count bigint NOT NULL,
    number numeric,
    weight double precision,
    key text COLLATE pg_catalog."C",
    said jsonb
)
WITH (fillfactor='90');

CREATE TABLE public.verification (
    id bigint NOT NULL,
    key text NOT NULL,
    profile_id bigint NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    created_by text NOT NULL,
    language text,
    content jsonb,
    CONSTRAINT verification_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'passed'::text, 'locked'::text, 'expired'::text, 'failed'::text, 'cancelled'::text])))
);

CREATE TABLE public.verification_factor (
    verification_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    factor smallint NOT NULL,
    channel text NOT NULL,
    address text,
    digest bytea NOT NULL,
    fallback text,
    delivery_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    seed bytea,
    length smallint NOT NULL,
    wrong smallint DEFAULT 0 NOT NULL,
    most_wrong smallint NOT NULL,
    sendings smallint DEFAULT 1 NOT NULL,
    most_sendings smallint NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    passed_at timestamp with time zone
);

ALTER TABLE public.verification ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.verification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.account_health
    ADD CONSTRAINT account_health_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.account_minute
    ADD CONSTRAINT account_minute_pkey PRIMARY KEY (account_id, minute);

ALTER TABLE ONLY public.account_pace
    ADD CONSTRAINT account_pace_pkey PRIMARY KEY (account_id, scope);

ALTER TABLE ONLY public.account_terms
    ADD CONSTRAINT account_terms_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_pkey PRIMARY KEY (from_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.budget_use
    ADD CONSTRAINT budget_use_pkey PRIMARY KEY (budget_id, period_start);

ALTER TABLE ONLY public.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.callback_refused
    ADD CONSTRAINT callback_refused_pkey PRIMARY KEY (account_id, cause);

ALTER TABLE ONLY public.campaign_answered
    ADD CONSTRAINT campaign_answered_pkey PRIMARY KEY (campaign_id, key);

ALTER TABLE ONLY public.campaign_arm
    ADD CONSTRAINT campaign_arm_pkey PRIMARY KEY (campaign_id, occurrence, arm, chosen, hop);

ALTER TABLE ONLY public.campaign_audience
    ADD CONSTRAINT campaign_audience_pkey PRIMARY KEY (campaign_id, occurrence);

ALTER TABLE ONLY public.campaign_last
    ADD CONSTRAINT campaign_last_pkey PRIMARY KEY (campaign_id, profile_id);

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.campaign_report
    ADD CONSTRAINT campaign_report_pkey PRIMARY KEY (campaign_id, part);

ALTER TABLE ONLY public.campaign_rule
    ADD CONSTRAINT campaign_rule_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.campaign_snapshot
    ADD CONSTRAINT campaign_snapshot_pkey PRIMARY KEY (campaign_id, hours);

ALTER TABLE ONLY public.channel_account
    ADD CONSTRAINT channel_account_channel_name_key UNIQUE (channel, name);

ALTER TABLE ONLY public.channel_account
    ADD CONSTRAINT channel_account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.computed_corrected
    ADD CONSTRAINT computed_corrected_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.computed_cursor
    ADD CONSTRAINT computed_cursor_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.computed_dirty
    ADD CONSTRAINT computed_dirty_pkey PRIMARY KEY (profile_id);

ALTER TABLE ONLY public.computed_newcomers
    ADD CONSTRAINT computed_newcomers_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.computed_trait
    ADD CONSTRAINT computed_trait_name_key UNIQUE (name);

ALTER TABLE ONLY public.computed_trait
    ADD CONSTRAINT computed_trait_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.consent_state
    ADD CONSTRAINT consent_state_pkey PRIMARY KEY (profile_id, channel, topic);

ALTER TABLE ONLY public.contact_kind
    ADD CONSTRAINT contact_kind_message_class_channel_topic_urgency_key UNIQUE NULLS NOT DISTINCT (message_class, channel, topic, urgency);

ALTER TABLE ONLY public.contact_kind
    ADD CONSTRAINT contact_kind_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.conversion
    ADD CONSTRAINT conversion_pkey PRIMARY KEY (campaign_id, profile_id, key);

ALTER TABLE ONLY public.cost_day
    ADD CONSTRAINT cost_day_pkey PRIMARY KEY (day, channel, account_id, campaign_id, message_class);

ALTER TABLE ONLY public.customer_group
    ADD CONSTRAINT customer_group_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.delivery_displaced
    ADD CONSTRAINT delivery_displaced_pkey PRIMARY KEY (profile_id, delivery_id);

ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_intent_key_profile_id_key UNIQUE (intent_key, profile_id);

ALTER TABLE ONLY public.delivery_intervention
    ADD CONSTRAINT delivery_intervention_pkey PRIMARY KEY (id, profile_id);

ALTER TABLE ONLY public.delivery_path
    ADD CONSTRAINT delivery_path_pkey PRIMARY KEY (message_class);

ALTER TABLE ONLY public.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id, profile_id);

ALTER TABLE ONLY public.delivery_queue
    ADD CONSTRAINT delivery_queue_pkey PRIMARY KEY (delivery_id, profile_id);

ALTER TABLE ONLY public.delivery_route
    ADD CONSTRAINT delivery_route_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.delivery_route_target
    ADD CONSTRAINT delivery_route_target_pkey PRIMARY KEY (route_id, account_id);

ALTER TABLE ONLY public.delivery_rule
    ADD CONSTRAINT delivery_rule_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.delivery_watch
    ADD CONSTRAINT delivery_watch_pkey PRIMARY KEY (delivery_id, profile_id, wants);

ALTER TABLE ONLY public.dialogue
    ADD CONSTRAINT dialogue_pkey PRIMARY KEY (profile_id, channel);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_key_key UNIQUE (key);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.engagement
    ADD CONSTRAINT engagement_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.event_corrected
    ADD CONSTRAINT event_corrected_pkey PRIMARY KEY (profile_id, seq);

ALTER TABLE ONLY public.event_correction
    ADD CONSTRAINT event_correction_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.event_day_flushed
    ADD CONSTRAINT event_day_flushed_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.event_name
    ADD CONSTRAINT event_name_pkey PRIMARY KEY (name, kind);

ALTER TABLE ONLY public.event_reader
    ADD CONSTRAINT event_reader_pkey PRIMARY KEY (reader, lane);

ALTER TABLE ONLY public.experiment_course
    ADD CONSTRAINT experiment_course_pkey PRIMARY KEY (experiment_id);

ALTER TABLE ONLY public.experiment_deal
    ADD CONSTRAINT experiment_deal_pkey PRIMARY KEY (experiment_id, stratum, arm);

ALTER TABLE ONLY public.experiment_exposure
    ADD CONSTRAINT experiment_exposure_pkey PRIMARY KEY (experiment_id, profile_id);

ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_key_key UNIQUE (key);

ALTER TABLE ONLY public.experiment_layer
    ADD CONSTRAINT experiment_layer_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.experiment_result
    ADD CONSTRAINT experiment_result_pkey PRIMARY KEY (experiment_id);

ALTER TABLE ONLY public.experiment_slot
    ADD CONSTRAINT experiment_slot_pkey PRIMARY KEY (layer, slot);

ALTER TABLE ONLY public.frequency_cap
    ADD CONSTRAINT frequency_cap_name_key UNIQUE (name);

ALTER TABLE ONLY public.frequency_cap
    ADD CONSTRAINT frequency_cap_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.holdout
    ADD CONSTRAINT holdout_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.identity_claim
    ADD CONSTRAINT identity_claim_pkey PRIMARY KEY (kind, value, with_kind, with_value);

ALTER TABLE ONLY public.identity_epoch
    ADD CONSTRAINT identity_epoch_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.identity_kind
    ADD CONSTRAINT identity_kind_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.identity
    ADD CONSTRAINT identity_pkey PRIMARY KEY (kind, value);

ALTER TABLE ONLY public.import_file
    ADD CONSTRAINT import_file_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.import_key
    ADD CONSTRAINT import_key_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.intake_cursor
    ADD CONSTRAINT intake_cursor_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (lane, seq, received_at);

ALTER TABLE ONLY public.journey_aside
    ADD CONSTRAINT journey_aside_pkey PRIMARY KEY (profile_id, run_id);

ALTER TABLE ONLY public.journey_ask
    ADD CONSTRAINT journey_ask_pkey PRIMARY KEY (profile_id, run_id, step, turn);

ALTER TABLE ONLY public.journey_count
    ADD CONSTRAINT journey_count_pkey PRIMARY KEY (version_id, step, did, how, day, slot);

ALTER TABLE ONLY public.journey_entry_key
    ADD CONSTRAINT journey_entry_key_pkey PRIMARY KEY (journey_id, key);

ALTER TABLE ONLY public.journey_gate
    ADD CONSTRAINT journey_gate_pkey PRIMARY KEY (journey_id, step);

ALTER TABLE ONLY public.journey_intake
    ADD CONSTRAINT journey_intake_journey_id_key_key UNIQUE (journey_id, key);

ALTER TABLE ONLY public.journey_intake
    ADD CONSTRAINT journey_intake_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journey_move
    ADD CONSTRAINT journey_move_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journey_outgoing
    ADD CONSTRAINT journey_outgoing_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.journey_past
    ADD CONSTRAINT journey_past_pkey PRIMARY KEY (profile_id, run_id);

ALTER TABLE ONLY public.journey
    ADD CONSTRAINT journey_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journey_rehearsal
    ADD CONSTRAINT journey_rehearsal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journey_request
    ADD CONSTRAINT journey_request_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.journey_request
    ADD CONSTRAINT journey_request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journey_rule
    ADD CONSTRAINT journey_rule_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.journey_run
    ADD CONSTRAINT journey_run_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.journey_schedule
    ADD CONSTRAINT journey_schedule_pkey PRIMARY KEY (journey_id, entry);

ALTER TABLE ONLY public.journey_version
    ADD CONSTRAINT journey_version_journey_id_number_key UNIQUE (journey_id, number);

ALTER TABLE ONLY public.journey_version
    ADD CONSTRAINT journey_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lake_upkeep
    ADD CONSTRAINT lake_upkeep_pkey PRIMARY KEY (task);

ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_loop_bucket_key UNIQUE (loop, bucket);

ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (loop, bucket, epoch);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT link_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT link_template_version_id_url_key UNIQUE (template_version_id, url);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (profile_id, group_id);

ALTER TABLE ONLY public.merge_proposal
    ADD CONSTRAINT merge_proposal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.message_request
    ADD CONSTRAINT message_request_pkey PRIMARY KEY (owner, key);

ALTER TABLE ONLY public.message_seen
    ADD CONSTRAINT message_seen_pkey PRIMARY KEY (key, seen_on);

ALTER TABLE ONLY public.message_text
    ADD CONSTRAINT message_text_pkey PRIMARY KEY (profile_id, dispatch_id);

ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.mirror_change
    ADD CONSTRAINT mirror_change_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY public.newcomer_unindexed
    ADD CONSTRAINT newcomer_unindexed_pkey PRIMARY KEY (first_id);

ALTER TABLE ONLY public.newcomer_unmirrored
    ADD CONSTRAINT newcomer_unmirrored_pkey PRIMARY KEY (first_id);

ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.overview_point
    ADD CONSTRAINT overview_point_pkey PRIMARY KEY (at);

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_email_key UNIQUE (email);

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.preference_centre
    ADD CONSTRAINT preference_centre_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.preference_change
    ADD CONSTRAINT preference_change_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.preference
    ADD CONSTRAINT preference_pkey PRIMARY KEY (profile_id, aspect);

ALTER TABLE ONLY public.process_metrics
    ADD CONSTRAINT process_metrics_pkey PRIMARY KEY (node);

ALTER TABLE ONLY public.profile_dirty
    ADD CONSTRAINT profile_dirty_pkey PRIMARY KEY (profile_id);

ALTER TABLE ONLY public.profile
    ADD CONSTRAINT profile_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.profile_search
    ADD CONSTRAINT profile_search_pkey PRIMARY KEY (profile_id);

ALTER TABLE ONLY public.profile_unindexed
    ADD CONSTRAINT profile_unindexed_pkey PRIMARY KEY (profile_id);

ALTER TABLE ONLY public.provider_message
    ADD CONSTRAINT provider_message_pkey PRIMARY KEY (account_id, provider_id, profile_id);

ALTER TABLE ONLY public.purpose
    ADD CONSTRAINT purpose_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.reject
    ADD CONSTRAINT reject_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reply_file
    ADD CONSTRAINT reply_file_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.said
    ADD CONSTRAINT said_pkey PRIMARY KEY (kind, value);

ALTER TABLE ONLY public.segment_base
    ADD CONSTRAINT segment_base_pkey PRIMARY KEY (segment_id);

ALTER TABLE ONLY public.segment_delta
    ADD CONSTRAINT segment_delta_pkey PRIMARY KEY (segment_id, seq);

ALTER TABLE ONLY public.segment_growth
    ADD CONSTRAINT segment_growth_pkey PRIMARY KEY (segment_id, at);

ALTER TABLE ONLY public.segment
    ADD CONSTRAINT segment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.segment_pulse
    ADD CONSTRAINT segment_pulse_pkey PRIMARY KEY (bucket);

ALTER TABLE ONLY public.segment_version
    ADD CONSTRAINT segment_version_pkey PRIMARY KEY (segment_id, version);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sign_in_attempt
    ADD CONSTRAINT sign_in_attempt_pkey PRIMARY KEY (subject);

ALTER TABLE ONLY public.signal_heard
    ADD CONSTRAINT signal_heard_pkey PRIMARY KEY (account_id, digest);

ALTER TABLE ONLY public.signal_waiting
    ADD CONSTRAINT signal_waiting_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.suitability
    ADD CONSTRAINT suitability_pkey PRIMARY KEY (purpose, channel);

ALTER TABLE ONLY public.suppression_digest
    ADD CONSTRAINT suppression_digest_pkey PRIMARY KEY (channel, digest);

ALTER TABLE ONLY public.suppression
    ADD CONSTRAINT suppression_pkey PRIMARY KEY (channel, address);

ALTER TABLE ONLY public.template
    ADD CONSTRAINT template_channel_name_key UNIQUE (channel, name);

ALTER TABLE ONLY public.template
    ADD CONSTRAINT template_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.template_version
    ADD CONSTRAINT template_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.topic
    ADD CONSTRAINT topic_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.trait
    ADD CONSTRAINT trait_column_name_key UNIQUE (column_name);

ALTER TABLE ONLY public.trait
    ADD CONSTRAINT trait_next_column_key UNIQUE (next_column);

ALTER TABLE ONLY public.trait
    ADD CONSTRAINT trait_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.trait_refusal
    ADD CONSTRAINT trait_refusal_pkey PRIMARY KEY (profile_id, id);

ALTER TABLE ONLY public.trait_rule
    ADD CONSTRAINT trait_rule_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.trait_tally
    ADD CONSTRAINT trait_tally_pkey PRIMARY KEY (profile_id, computed_id, day, item);

ALTER TABLE ONLY public.verification_factor
    ADD CONSTRAINT verification_factor_pkey PRIMARY KEY (verification_id, profile_id, factor);

ALTER TABLE ONLY public.verification
    ADD CONSTRAINT verification_pkey PRIMARY KEY (id, profile_id);

ALTER TABLE ONLY public.verification
    ADD CONSTRAINT verification_profile_id_key_key UNIQUE (profile_id, key);

CREATE INDEX alias_to ON public.alias USING btree (to_id);

CREATE INDEX alias_xid ON public.alias USING btree (xid);

CREATE INDEX audit_action ON public.audit USING btree (action text_pattern_ops, id DESC);

CREATE INDEX audit_subject ON public.audit USING btree (subject, id DESC);

CREATE INDEX audit_who ON public.audit USING btree (who_kind, who_id, id DESC);

CREATE INDEX budget_campaign ON public.budget USING btree (campaign_id) WHERE (campaign_id IS NOT NULL);

CREATE INDEX campaign_answered_at ON public.campaign_answered USING brin (at);

CREATE INDEX campaign_answering ON public.campaign USING btree (id) WHERE ((kind = 'triggered'::text) AND (state = ANY (ARRAY['running'::text, 'paused'::text])));

CREATE UNIQUE INDEX campaign_arm_dispatch ON public.campaign_arm USING btree (dispatch_id);

CREATE INDEX campaign_audience_open ON public.campaign_audience USING btree (campaign_id) WHERE (over_at IS NULL);

CREATE INDEX campaign_choosing ON public.campaign USING btree (arms_due_at) WHERE ((arm_choice IS NOT NULL) AND (arm_winner IS NULL));

CREATE INDEX campaign_goal ON public.campaign USING btree (id) WHERE ((goal IS NOT NULL) AND (started_at IS NOT NULL));

CREATE INDEX campaign_last_profile ON public.campaign_last USING btree (profile_id);

CREATE INDEX campaign_open ON public.campaign USING btree (id) WHERE ((state = ANY (ARRAY['scheduled'::text, 'sending'::text, 'running'::text])) OR ((state = 'cancelled'::text) AND (finished_at IS NULL)));

CREATE INDEX campaign_recent ON public.campaign USING btree (created_at DESC, id DESC);

CREATE UNIQUE INDEX contact_person ON public.contact USING btree (profile_id, at, delivery_id) INCLUDE (kind);

CREATE INDEX conversion_delivery ON public.conversion USING btree (delivery_id);

CREATE INDEX conversion_profile ON public.conversion USING btree (profile_id);

CREATE INDEX conversion_time ON public.conversion USING btree (campaign_id, ts DESC, lane, seq);

CREATE INDEX cost_day_campaign ON public.cost_day USING btree (campaign_id);

CREATE INDEX delivery_address ON public.delivery USING btree (hashtext(address)) WHERE (campaign_id IS NULL);

CREATE INDEX delivery_campaign ON public.delivery USING btree (campaign_id, id) WHERE (campaign_id IS NOT NULL);

CREATE INDEX delivery_campaign_address ON public.delivery USING btree (campaign_id, hashtext(address)) WHERE (campaign_id IS NOT NULL);

CREATE INDEX delivery_displaced_due ON public.delivery_displaced USING btree (look_at) WHERE (NOT said_again);

CREATE INDEX delivery_intervention_of ON public.delivery_intervention USING btree (delivery_id);

CREATE INDEX delivery_intervention_person ON public.delivery_intervention USING btree (profile_id);

CREATE INDEX delivery_origin ON public.delivery USING btree (origin_id) WHERE (origin_id IS NOT NULL);

CREATE INDEX delivery_person ON public.delivery USING btree (profile_id);

CREATE INDEX delivery_queue_due ON public.delivery_queue USING btree (dispatch_id, bucket, due_at) WHERE (state = 'queued'::text);

CREATE INDEX delivery_queue_open ON public.delivery_queue USING btree (bucket) WHERE (state <> 'queued'::text);

CREATE INDEX delivery_route_channel ON public.delivery_route USING btree (channel, "position");

CREATE INDEX delivery_route_target_account ON public.delivery_route_target USING btree (account_id);

CREATE INDEX delivery_settle_due ON public.delivery_settle USING btree (bucket, due_at);

CREATE INDEX delivery_watch_dispatch ON public.delivery_watch USING btree (dispatch_id);

CREATE INDEX delivery_watch_due ON public.delivery_watch USING btree (bucket, due_at);

CREATE INDEX dispatch_campaign ON public.dispatch USING btree (campaign_id) WHERE (campaign_id IS NOT NULL);

CREATE INDEX engagement_at ON public.engagement USING brin (at);

CREATE INDEX engagement_delivery ON public.engagement USING btree (delivery_id);

CREATE INDEX engagement_id ON public.engagement USING btree (id);

CREATE INDEX event_corrected_at ON public.event_corrected USING btree (at);

CREATE INDEX event_corrected_seq ON public.event_corrected USING btree (seq);

CREATE INDEX event_correction_id ON public.event_correction USING btree (id);

CREATE INDEX event_lane_seq ON ONLY public.event USING btree (lane, seq);

CREATE INDEX event_profile_ts ON ONLY public.event USING btree (profile_id, ts);

CREATE INDEX experiment_by_layer ON public.experiment USING btree (layer) WHERE (layer IS NOT NULL);

CREATE INDEX identity_claim_with ON public.identity_claim USING btree (with_kind, with_value);

CREATE INDEX identity_profile ON public.identity USING btree (profile_id);

CREATE INDEX import_file_id ON public.import USING btree (file_id);

CREATE INDEX invitation_person ON public.invitation USING btree (person_id) WHERE (used_at IS NULL);

CREATE INDEX job_open ON public.job USING btree (run_at) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]));

CREATE INDEX job_recent ON public.job USING btree (created_at DESC);

CREATE INDEX journey_aside_at ON public.journey_aside USING btree (at);

CREATE INDEX journey_ask_due ON public.journey_ask USING btree (bucket, due_at) WHERE (state = 'waiting'::text);

CREATE INDEX journey_ask_ended ON public.journey_ask USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX journey_entry_key_at ON public.journey_entry_key USING btree (at);

CREATE INDEX journey_heard_bucket ON public.journey_heard USING btree (bucket, id) WHERE (journey_id IS NULL);

CREATE INDEX journey_heard_kept ON public.journey_heard USING btree (journey_id, bucket, id) WHERE (journey_id IS NOT NULL);

CREATE INDEX journey_heard_person ON public.journey_heard USING btree (profile_id, id);

CREATE INDEX journey_history_person ON public.journey_history USING btree (profile_id, at);

CREATE INDEX journey_intake_open ON public.journey_intake USING btree (id) WHERE (over_at IS NULL);

CREATE INDEX journey_move_of ON public.journey_move USING btree (journey_id, id);

CREATE INDEX journey_move_open ON public.journey_move USING btree (id) WHERE (state = 'open'::text);

CREATE INDEX journey_open ON public.journey USING btree (id) WHERE (state = ANY (ARRAY['live'::text, 'paused'::text, 'finished'::text]));

CREATE INDEX journey_outgoing_bucket ON public.journey_outgoing USING btree (bucket, id);

CREATE INDEX journey_past_ended ON public.journey_past USING btree (journey_id, ended_at);

CREATE INDEX journey_past_heldout ON public.journey_past USING btree (profile_id, journey_id) WHERE (reason = 'holdout'::text);

CREATE INDEX journey_rehearsal_journey ON public.journey_rehearsal USING btree (journey_id, id);

CREATE INDEX journey_run_due ON public.journey_run USING btree (version_id, bucket, wake_at) WHERE (wake_at IS NOT NULL);

CREATE INDEX journey_run_origin ON public.journey_run USING btree (profile_id, origin) WHERE (origin IS NOT NULL);

CREATE INDEX journey_run_step ON public.journey_run USING btree (version_id, step, profile_id);

CREATE INDEX journey_schedule_due ON public.journey_schedule USING btree (next_at) WHERE (next_at IS NOT NULL);

CREATE INDEX membership_group ON public.membership USING btree (group_id);

CREATE INDEX merge_proposal_open ON public.merge_proposal USING btree (id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX merge_proposal_pair ON public.merge_proposal USING btree (low_id, high_id);

CREATE INDEX message_request_at ON public.message_request USING btree (at);

CREATE INDEX message_text_dispatch ON public.message_text USING btree (dispatch_id);

CREATE INDEX mirror_change_at ON public.mirror_change USING btree (at);

CREATE INDEX notice_due ON public.notice USING btree (retry_at, id);

CREATE INDEX profile_search_words ON public.profile_search USING gin (words public.gin_trgm_ops);

CREATE INDEX provider_message_at ON public.provider_message USING brin (at);

CREATE INDEX provider_message_parts ON public.provider_message USING btree (delivery_id) WHERE (parts > 1);

CREATE INDEX reject_received ON public.reject USING btree (received_at);

CREATE UNIQUE INDEX reply_file_id ON public.reply_file USING btree (id, profile_id);

CREATE INDEX segment_growth_minutes ON public.segment_growth USING btree (at) WHERE (at <> date_bin('01:00:00'::interval, at, '2000-01-01 00:00:00+00'::timestamp with time zone));

CREATE UNIQUE INDEX segment_name ON public.segment USING btree (lower(name)) WHERE (state = 'active'::text);

CREATE INDEX segment_refs ON public.segment USING gin (refs);

CREATE INDEX session_person ON public.session USING btree (person_id);

CREATE INDEX signal_heard_at ON public.signal_heard USING brin (at);

CREATE INDEX signal_waiting_expires ON public.signal_waiting USING btree (expires_at);

CREATE INDEX signal_waiting_provider ON public.signal_waiting USING btree (account_id, provider_id) WHERE (provider_id IS NOT NULL);

CREATE UNIQUE INDEX source_name ON public.source USING btree (lower(name));

CREATE INDEX suppression_expiring ON public.suppression USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX suppression_recent ON public.suppression USING btree (at DESC, channel, address);

CREATE UNIQUE INDEX template_version_draft ON public.template_version USING btree (template_id) WHERE (state = 'draft'::text);

CREATE UNIQUE INDEX template_version_number ON public.template_version USING btree (template_id, number) WHERE (state <> 'variant'::text);

CREATE UNIQUE INDEX template_version_variant ON public.template_version USING btree (variant_of, md5(subject)) WHERE (state = 'variant'::text);

CREATE INDEX trait_refusal_name ON public.trait_refusal USING btree (name, at DESC);

CREATE INDEX trait_tally_day ON public.trait_tally USING btree (computed_id, day) WHERE (day > '-infinity'::date);

CREATE INDEX verification_ended ON public.verification USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX verification_factor_address ON public.verification_factor USING btree (digest, sent_at);

CREATE INDEX verification_open ON public.verification USING btree (expires_at) WHERE (state = 'pending'::text);

CREATE INDEX verification_person ON public.verification USING btree (profile_id) WHERE (profile_id <> 0);

CREATE TRIGGER budget_freed AFTER DELETE ON public.delivery_queue FOR EACH ROW WHEN ((old.budgets IS NOT NULL)) EXECUTE FUNCTION public.budget_is_freed();

CREATE TRIGGER consent_append_only BEFORE UPDATE ON public.consent FOR EACH STATEMENT EXECUTE FUNCTION public.consent_is_append_only();

CREATE TRIGGER delivery_not_said AFTER UPDATE OF state ON public.delivery FOR EACH ROW WHEN (((new.state = ANY (ARRAY['failed'::text, 'expired'::text, 'cancelled'::text, 'suppressed'::text])) AND (old.state <> ALL (ARRAY['failed'::text, 'expired'::text, 'cancelled'::text, 'suppressed'::text])))) EXECUTE FUNCTION public.delivery_was_not_said();

CREATE TRIGGER preference_append_only BEFORE UPDATE ON public.preference_change FOR EACH STATEMENT EXECUTE FUNCTION public.preference_is_append_only();

CREATE TRIGGER template_version_final BEFORE UPDATE ON public.template_version FOR EACH ROW WHEN ((old.state <> 'draft'::text)) EXECUTE FUNCTION public.template_version_is_final();

ALTER TABLE ONLY public.account_health
    ADD CONSTRAINT account_health_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.account_minute
    ADD CONSTRAINT account_minute_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.account_pace
    ADD CONSTRAINT account_pace_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.account_terms
    ADD CONSTRAINT account_terms_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.person(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.budget_use
    ADD CONSTRAINT budget_use_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budget(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id);

ALTER TABLE ONLY public.campaign_answered
    ADD CONSTRAINT campaign_answered_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_arm
    ADD CONSTRAINT campaign_arm_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_arm
    ADD CONSTRAINT campaign_arm_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES public.dispatch(id);

ALTER TABLE ONLY public.campaign_audience
    ADD CONSTRAINT campaign_audience_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id);

ALTER TABLE ONLY public.campaign_audience
    ADD CONSTRAINT campaign_audience_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_audience
    ADD CONSTRAINT campaign_audience_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES public.template_version(id);

ALTER TABLE ONLY public.campaign_last
    ADD CONSTRAINT campaign_last_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_report
    ADD CONSTRAINT campaign_report_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_snapshot
    ADD CONSTRAINT campaign_snapshot_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_template_id_fkey FOREIGN KEY (template_id) REFERENCES public.template(id);

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES public.template_version(id);

ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_topic_fkey FOREIGN KEY (topic) REFERENCES public.topic(name);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.profile(id);

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_topic_fkey FOREIGN KEY (topic) REFERENCES public.topic(name);

ALTER TABLE ONLY public.conversion
    ADD CONSTRAINT conversion_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES public.campaign(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.delivery_route_target
    ADD CONSTRAINT delivery_route_target_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id);

ALTER TABLE ONLY public.delivery_route_target
    ADD CONSTRAINT delivery_route_target_route_id_fkey FOREIGN KEY (route_id) REFERENCES public.delivery_route(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.channel_account(id);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_next_id_fkey FOREIGN KEY (next_id) REFERENCES public.dispatch(id);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES public.template_version(id);

ALTER TABLE ONLY public.dispatch
    ADD CONSTRAINT dispatch_topic_fkey FOREIGN KEY (topic) REFERENCES public.topic(name);

ALTER TABLE ONLY public.experiment_course
    ADD CONSTRAINT experiment_course_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.experiment_deal
    ADD CONSTRAINT experiment_deal_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id);

ALTER TABLE ONLY public.experiment
    ADD CONSTRAINT experiment_layer_fkey FOREIGN KEY (layer) REFERENCES public.experiment_layer(name);

ALTER TABLE ONLY public.experiment_result
    ADD CONSTRAINT experiment_result_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id);

ALTER TABLE ONLY public.experiment_slot
    ADD CONSTRAINT experiment_slot_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES public.experiment(id);

ALTER TABLE ONLY public.experiment_slot
    ADD CONSTRAINT experiment_slot_layer_fkey FOREIGN KEY (layer) REFERENCES public.experiment_layer(name);

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_file_id_fkey FOREIGN KEY (file_id) REFERENCES public.import_file(id);

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_ask
    ADD CONSTRAINT journey_ask_request_id_fkey FOREIGN KEY (request_id) REFERENCES public.journey_request(id);

ALTER TABLE ONLY public.journey_count
    ADD CONSTRAINT journey_count_version_id_fkey FOREIGN KEY (version_id) REFERENCES public.journey_version(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_entry_key
    ADD CONSTRAINT journey_entry_key_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_gate
    ADD CONSTRAINT journey_gate_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_heard
    ADD CONSTRAINT journey_heard_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_intake
    ADD CONSTRAINT journey_intake_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey
    ADD CONSTRAINT journey_live_version_id_fkey FOREIGN KEY (live_version_id) REFERENCES public.journey_version(id);

ALTER TABLE ONLY public.journey_move
    ADD CONSTRAINT journey_move_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_rehearsal
    ADD CONSTRAINT journey_rehearsal_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_schedule
    ADD CONSTRAINT journey_schedule_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.journey_version
    ADD CONSTRAINT journey_version_journey_id_fkey FOREIGN KEY (journey_id) REFERENCES public.journey(id);

ALTER TABLE ONLY public.link
    ADD CONSTRAINT link_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES public.template_version(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.preference_change
    ADD CONSTRAINT preference_change_profile_id_fkey FOREIGN KEY (profile_id) REFERENCES public.profile(id);

ALTER TABLE ONLY public.segment_base
    ADD CONSTRAINT segment_base_segment_id_fkey FOREIGN KEY (segment_id) REFERENCES public.segment(id);

ALTER TABLE ONLY public.segment_delta
    ADD CONSTRAINT segment_delta_segment_id_fkey FOREIGN KEY (segment_id) REFERENCES public.segment(id);

ALTER TABLE ONLY public.segment_growth
    ADD CONSTRAINT segment_growth_segment_id_fkey FOREIGN KEY (segment_id) REFERENCES public.segment(id);

ALTER TABLE ONLY public.segment_version
    ADD CONSTRAINT segment_version_segment_id_fkey FOREIGN KEY (segment_id) REFERENCES public.segment(id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.person(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.suitability
    ADD CONSTRAINT suitability_purpose_fkey FOREIGN KEY (purpose) REFERENCES public.purpose(name);

ALTER TABLE ONLY public.template_version
    ADD CONSTRAINT template_version_template_id_fkey FOREIGN KEY (template_id) REFERENCES public.template(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.template_version
    ADD CONSTRAINT template_version_variant_of_fkey FOREIGN KEY (variant_of) REFERENCES public.template_version(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.trait_tally
    ADD CONSTRAINT trait_tally_computed_id_fkey FOREIGN KEY (computed_id) REFERENCES public.computed_trait(id);

ALTER TABLE ONLY public.verification_factor
    ADD CONSTRAINT verification_factor_verification_id_profile_id_fkey FOREIGN KEY (verification_id, profile_id) REFERENCES public.verification(id, profile_id) ON DELETE CASCADE;
