{{/*
Names. All are fixed: two installations in one cluster would fight over the same gate, so the second one fails
on the first name that exists already.
*/}}

{{- define "compute-gatekeeper.name" -}}compute-gatekeeper{{- end }}

{{- define "compute-gatekeeper.domain" -}}compute-gatekeeper.io/{{- end }}
{{- define "compute-gatekeeper.gate" -}}compute-gatekeeper.io/flop-lease{{- end }}
{{- define "compute-gatekeeper.cleared" -}}compute-gatekeeper.io/cleared{{- end }}
{{- define "compute-gatekeeper.clearedUntil" -}}compute-gatekeeper.io/cleared-until{{- end }}

{{/* Kubelets may not write labels under this prefix (admission plugin NodeRestriction). */}}
{{- define "compute-gatekeeper.nodeLabel" -}}node-restriction.kubernetes.io/compute-gatekeeper-accelerator{{- end }}

{{- define "compute-gatekeeper.stopQuota" -}}compute-gatekeeper-stop{{- end }}

{{/* The one identity that lifts gates and gives clearance, as the API server names it. */}}
{{- define "compute-gatekeeper.controller" -}}system:serviceaccount:{{ .Release.Namespace }}:controller{{- end }}

{{- define "compute-gatekeeper.selectorLabels" -}}
app.kubernetes.io/name: compute-gatekeeper
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "compute-gatekeeper.labels" -}}
{{ include "compute-gatekeeper.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}
