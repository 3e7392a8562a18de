{{/* (list $ "name"): the binding that makes a validating policy refuse. Without one a policy does nothing. */}}
{{- define "compute-gatekeeper.denyBinding" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "compute-gatekeeper.labels" (index . 0) | nindent 4 }}
spec:
  policyName: {{ index . 1 }}
  validationActions: [Deny]
{{- end }}
