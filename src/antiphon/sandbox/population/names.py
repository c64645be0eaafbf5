"""Names, places and plans the operator's customers are made of."""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """A data plan: its name, gigabytes a month, and price a month in euro."""

    name: str
    gigabytes: int
    price: str


class Place(NamedTuple):
    """A city with its country (ISO 3166), time zone and customary language."""

    city: str
    country: str
    timezone: str
    language: str


PLANS = (Plan("Lite 5 GB", 5, "9.00"), Plan("Plus 20 GB", 20, "19.00"), Plan("Max 60 GB", 60, "29.00"))

PLACES = (
    Place("Dublin", "IE", "Europe/Dublin", "en"), Place("Cork", "IE", "Europe/Dublin", "en"),
    Place("Valletta", "MT", "Europe/Malta", "en"), Place("Riga", "LV", "Europe/Riga", "ru"),
    Place("Almaty", "KZ", "Asia/Almaty", "ru"), Place("Singapore", "SG", "Asia/Singapore", "zh"),
    Place("Taipei", "TW", "Asia/Taipei", "zh"),
)  # fmt: skip

FIRST = {
    "en": ("Aoife", "Brian", "Ciara", "Daniel", "Emma", "Finn", "Grace", "Hugh", "Isla", "Jack", "Kate", "Liam", "Maeve",
           "Niall", "Orla", "Patrick", "Rose", "Sean", "Tara", "Una"),
    "ru": ("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Захар", "Ирина", "Кирилл", "Лариса", "Максим",
           "Нина", "Олег", "Полина", "Роман", "Софья", "Тимур", "Ульяна", "Юрий"),
    "zh": ("雅婷", "志明", "淑芬", "建宏", "怡君", "俊傑", "美玲", "家豪", "佳穎", "承翰", "欣怡", "冠宇", "詩涵", "宗翰",
           "郁婷", "柏翰", "惠雯", "彥廷", "靜宜", "子軒"),
}  # fmt: skip

LAST = {
    "en": ("Byrne", "Carroll", "Doyle", "Farrell", "Gallagher", "Hayes", "Kelly", "Lynch", "Murphy", "Nolan", "O'Brien",
           "Quinn", "Ryan", "Smith", "Walsh"),
    "ru": ("Абай", "Беляк", "Громыко", "Дорошенко", "Жук", "Заяц", "Калнин", "Лебедь", "Мороз", "Новак", "Озол", "Петренко",
           "Руденко", "Соловей", "Шевчук"),
    "zh": ("陳", "林", "黃", "張", "李", "王", "吳", "劉", "蔡", "楊", "許", "鄭", "謝", "郭", "洪"),
}  # fmt: skip

MAIL_DOMAINS = ("post.example.net", "mail.example.org", "inbox.example.com")  # reserved by RFC 2606: nobody's

AREA_CODES = (
    201, 202, 203, 206, 207, 212, 213, 214, 215, 216, 301, 302, 303, 305, 307, 310, 312, 313, 314, 315, 401, 402, 404, 406,
    407, 408, 412, 413, 414, 415, 501, 502, 503, 504, 505, 508, 509, 512, 513, 515,
)  # fmt: skip
"""With 555-0100 to 555-0199, telephone numbers kept for fiction."""
