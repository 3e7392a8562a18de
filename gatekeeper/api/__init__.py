"""The REST API of the registry: HTTP and JSON <-> use cases on people. It translates and never decides.

A request passes `door` (limits), `asking` (who asks, what for, the body) and a route (a file for each noun:
`app` names them), which asks `Registry` within one transaction. What goes wrong becomes a problem (`problems`).
"""
