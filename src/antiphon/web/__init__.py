"""Composition only: the API of the rooms switched on, the console, health and metrics, and the OpenAPI document.

`create_app` in `web.asgi` is what the server runs. The room owns the table `process_metrics`.
"""
