"""AdmissionReview <-> domain: what the API server sends, what manifests ask for, what we answer.

The only room that fails closed by itself: whatever it cannot read is refused, never allowed by accident.
"""
