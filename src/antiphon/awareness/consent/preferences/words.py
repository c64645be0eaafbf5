"""Everything the preference page says, in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.foundation.words import Language


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """The page in one language."""

    title: str
    intro: str
    switch: str
    topics: str
    channels: Mapping[str, str]
    nothing_to_choose: str
    how: str
    channel: str
    any_channel: str
    frequency: str
    frequencies: Mapping[str, str]
    language: str
    any_language: str
    quiet: str
    since: str
    until: str
    zone: str
    no_quiet: str
    pause: str
    no_pause: str
    pauses: str
    paused_until: str
    save: str
    none: str
    saved: str
    saved_none: str
    wrong: str
    preview: str
    invalid_title: str
    invalid: str
    expired: str
    busy_title: str
    busy: str
    often_title: str
    often: str


NAMES: Mapping[Language, str] = {"en": "English", "ru": "Русский", "zh": "中文"}

WORDS: Mapping[Language, Words] = {
    "en": Words(
        title="Your preferences",
        intro="Choose what we may write to you about, and how.",
        switch="Language of this page",
        topics="What you would like to receive",
        channels={
            "email": "E-mail",
            "sms": "SMS",
            "push": "App notifications",
            "voice": "Phone call",
            "telegram": "Telegram",
            "whatsapp": "WhatsApp",
            "print": "Letter",
        },
        nothing_to_choose="There is nothing to choose from yet.",
        how="How to reach you",
        channel="Preferred way",
        any_channel="Any",
        frequency="How often",
        frequencies={
            "all": "As it comes",
            "daily": "At most once a day",
            "weekly": "At most once a week",
            "monthly": "At most once a month",
        },
        language="Language of messages",
        any_language="No preference",
        quiet="Quiet hours",
        since="From",
        until="to",
        zone="Time zone",
        no_quiet="Leave both times empty for none.",
        pause="Pause",
        no_pause="No pause",
        pauses="For {days} days",
        paused_until="Until {date}",
        save="Save",
        none="Unsubscribe from everything",
        saved="Saved. Thank you!",
        saved_none="You are unsubscribed from everything.",
        wrong="Please check the quiet hours: they need both times, different from each other, and a time zone.",
        preview="This is a preview. Nothing is saved.",
        invalid_title="This link is not valid",
        invalid="Please use the link from the message again, whole and unchanged.",
        expired="This link is too old. Please use the one in a newer message.",
        busy_title="Please try again",
        busy="Your choice could not be saved just now. Please try again in a minute.",
        often_title="Please wait a little",
        often="There were very many changes in a short time. Please try again in a few minutes.",
    ),
    "ru": Words(
        title="Ваши предпочтения",
        intro="Выберите, о чём и как нам вам писать.",
        switch="Язык страницы",
        topics="Что вы хотите получать",
        channels={
            "email": "Эл. почта",
            "sms": "СМС",
            "push": "Уведомления в приложении",
            "voice": "Звонок",
            "telegram": "Telegram",
            "whatsapp": "WhatsApp",
            "print": "Письмо",
        },
        nothing_to_choose="Пока выбирать не из чего.",
        how="Как с вами связаться",
        channel="Удобный способ",
        any_channel="Любой",
        frequency="Как часто",
        frequencies={
            "all": "По мере появления",
            "daily": "Не чаще раза в день",
            "weekly": "Не чаще раза в неделю",
            "monthly": "Не чаще раза в месяц",
        },
        language="Язык сообщений",
        any_language="Всё равно",
        quiet="Не беспокоить",
        since="С",
        until="до",
        zone="Часовой пояс",
        no_quiet="Если тихие часы не нужны, оставьте оба поля пустыми.",
        pause="Пауза",
        no_pause="Без паузы",
        pauses="На {days} дней",
        paused_until="До {date}",
        save="Сохранить",
        none="Отписаться от всего",
        saved="Сохранено. Спасибо!",
        saved_none="Вы отписаны от всех рассылок.",
        wrong="Проверьте тихие часы: нужны оба времени, разные, и часовой пояс.",
        preview="Это предварительный просмотр. Ничего не сохраняется.",
        invalid_title="Ссылка недействительна",
        invalid="Откройте ссылку из сообщения ещё раз, целиком и без изменений.",
        expired="Ссылка устарела. Воспользуйтесь ссылкой из более нового сообщения.",
        busy_title="Попробуйте ещё раз",
        busy="Сейчас не удалось сохранить ваш выбор. Попробуйте через минуту.",
        often_title="Подождите немного",
        often="За короткое время было слишком много изменений. Попробуйте через несколько минут.",
    ),
    "zh": Words(
        title="您的偏好设置",
        intro="请选择您希望收到的内容和方式。",
        switch="页面语言",
        topics="您希望收到的内容",
        channels={
            "email": "电子邮件",
            "sms": "短信",
            "push": "应用通知",
            "voice": "电话",
            "telegram": "Telegram",
            "whatsapp": "WhatsApp",
            "print": "信件",
        },
        nothing_to_choose="目前没有可选内容。",
        how="联系方式",
        channel="首选方式",
        any_channel="不限",
        frequency="频率",
        frequencies={"all": "有消息即发送", "daily": "每天最多一次", "weekly": "每周最多一次", "monthly": "每月最多一次"},
        language="消息语言",
        any_language="不限",
        quiet="免打扰时段",
        since="从",
        until="至",
        zone="时区",
        no_quiet="如不需要，请将两个时间留空。",
        pause="暂停接收",
        no_pause="不暂停",
        pauses="暂停 {days} 天",
        paused_until="暂停至 {date}",
        save="保存",
        none="退订全部消息",
        saved="已保存，谢谢！",
        saved_none="您已退订全部消息。",
        wrong="请检查免打扰时段：需要填写两个不同的时间和时区。",
        preview="这是预览，不会保存任何内容。",
        invalid_title="链接无效",
        invalid="请重新使用消息中的完整链接。",
        expired="此链接已过期，请使用较新消息中的链接。",
        busy_title="请重试",
        busy="暂时无法保存您的选择，请稍后再试。",
        often_title="请稍候",
        often="短时间内更改过于频繁，请几分钟后再试。",
    ),
}

ZONES = (
    "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
    "America/Halifax", "America/Bogota", "America/Mexico_City", "America/Sao_Paulo", "America/Argentina/Buenos_Aires",
    "Atlantic/Azores", "UTC", "Europe/London", "Europe/Lisbon", "Africa/Lagos", "Europe/Berlin", "Europe/Paris",
    "Europe/Madrid", "Europe/Rome", "Europe/Warsaw", "Africa/Cairo", "Africa/Johannesburg", "Europe/Athens", "Europe/Helsinki",
    "Europe/Kyiv", "Asia/Jerusalem", "Europe/Kaliningrad", "Europe/Istanbul", "Europe/Minsk", "Europe/Moscow",
    "Africa/Nairobi", "Asia/Riyadh", "Asia/Tehran", "Asia/Dubai", "Europe/Samara", "Asia/Yerevan", "Asia/Tbilisi", "Asia/Baku",
    "Asia/Kabul", "Asia/Karachi", "Asia/Tashkent", "Asia/Almaty", "Asia/Yekaterinburg", "Asia/Kolkata", "Asia/Kathmandu",
    "Asia/Dhaka", "Asia/Omsk", "Asia/Bangkok", "Asia/Jakarta", "Asia/Ho_Chi_Minh", "Asia/Novosibirsk", "Asia/Krasnoyarsk",
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Manila", "Australia/Perth", "Asia/Irkutsk",
    "Asia/Tokyo", "Asia/Seoul", "Asia/Yakutsk", "Australia/Adelaide", "Australia/Sydney", "Asia/Vladivostok", "Asia/Magadan",
    "Pacific/Auckland", "Asia/Kamchatka",
)  # fmt: skip
"""Time zones to choose from, west to east; a customer's own is offered besides."""
