{{/*
The one place that turns files/reach.yaml into CEL. Every condition about pods stands here once; the policies only
combine them by name.

A helper that looks at a pod takes (list $ "object") or (list $ "oldObject") and gives one parenthesised CEL
expression. Optional selection (`.?field`) keeps a half-built object from ending in an error: a CEL error refuses
the request with a message nobody understands.
*/}}

{{/* The table with what the provider declared harmless on top, as YAML. */}}
{{- define "compute-gatekeeper.reach" -}}
{{- $reach := .Files.Get "files/reach.yaml" | fromYaml -}}
{{- range .Values.reach.harmlessDeviceKeys -}}
{{- if has . $reach.accelerator_toleration_keys -}}
{{- fail (printf "reach.harmlessDeviceKeys: %s is an accelerator; giving it away would let every pod with it start uncounted." .) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $reach "harmless_device_keys" (concat $reach.harmless_device_keys .Values.reach.harmlessDeviceKeys) -}}
{{- $_ := set $reach "harmless_runtime_classes" (concat $reach.harmless_runtime_classes .Values.reach.harmlessRuntimeClasses) -}}
{{- $_ := set $reach "exempt_namespaces" (concat $reach.exempt_namespaces .Values.reach.exemptNamespaces) -}}
{{- $reach | toYaml -}}
{{- end }}

{{/* (list "k" prefixes): k starts with one of them. Written out, because a macro over a constant costs more. */}}
{{- define "compute-gatekeeper.anyPrefix" -}}
{{- $name := index . 0 -}}
{{- $tests := list -}}
{{- range index . 1 -}}{{- $tests = append $tests (printf "%s.startsWith(%s)" $name (. | toJson)) -}}{{- end -}}
({{ $tests | join " || " | default "false" }})
{{- end }}

{{/* --- Requests: whose, where ------------------------------------------------------------------------- */}}

{{- define "compute-gatekeeper.notSystem" -}}
{{- $reach := include "compute-gatekeeper.reach" . | fromYaml -}}
!(request.namespace in {{ $reach.exempt_namespaces | toJson }})
{{- end }}

{{/* A node reports a static pod that runs already: refusing hides it. It is let in, seen and charged. */}}
{{- define "compute-gatekeeper.notMirror" -}}
!("system:nodes" in request.userInfo.groups
  && "kubernetes.io/config.mirror" in object.metadata.?annotations.orValue({}))
{{- end }}

{{- define "compute-gatekeeper.byController" -}}
request.userInfo.username == {{ include "compute-gatekeeper.controller" . | toJson }}
{{- end }}

{{/* Nodes, and the controllers and the scheduler of Kubernetes, which no tenant can become. */}}
{{- define "compute-gatekeeper.byKubernetes" -}}
("system:nodes" in request.userInfo.groups
  || request.userInfo.username.startsWith("system:serviceaccount:kube-system:")
  || request.userInfo.username in ["system:kube-scheduler", "system:kube-controller-manager", "system:apiserver"])
{{- end }}

{{- define "compute-gatekeeper.byProvider" -}}
request.userInfo.groups.exists(g, g in {{ .Values.providerGroups | toJson }})
{{- end }}

{{/* namespaceObject is empty inside matchConditions, so clearance is matched by selector. `NotIn` also takes
     namespaces without the label. */}}
{{- define "compute-gatekeeper.unclearedSelector" -}}
matchExpressions:
  - key: {{ include "compute-gatekeeper.cleared" . }}
    operator: NotIn
    values: ["true"]
{{- end }}

{{- define "compute-gatekeeper.clearedSelector" -}}
matchExpressions:
  - key: {{ include "compute-gatekeeper.cleared" . }}
    operator: In
    values: ["true"]
{{- end }}

{{/* --- Pods: parts ------------------------------------------------------------------------------------ */}}

{{/* dyn() on both: CEL adds only lists of one type, and an absent list has none. */}}
{{- define "compute-gatekeeper.containers" -}}
(dyn({{ . }}.spec.?containers.orValue([])) + dyn({{ . }}.spec.?initContainers.orValue([])))
{{- end }}

{{- define "compute-gatekeeper.images" -}}
({{ include "compute-gatekeeper.containers" . }}.map(c, c.?image.orValue(""))
  + dyn({{ . }}.spec.?volumes.orValue([])).filter(v, has(v.image)).map(v, v.image.?reference.orValue("")))
{{- end }}

{{- define "compute-gatekeeper.hasGate" -}}
{{ index . 1 }}.spec.?schedulingGates.orValue([]).exists(g, g.name == {{ include "compute-gatekeeper.gate" (index . 0) | toJson }})
{{- end }}

{{/* (list reach "k"): the resource key k is an accelerator, as far as anyone knows. */}}
{{- define "compute-gatekeeper.deviceKey" -}}
{{- $reach := index . 0 -}}{{- $k := index . 1 -}}
({{ $k }}.contains("/")
  && !{{ include "compute-gatekeeper.anyPrefix" (list $k $reach.native_prefixes) }}
  && !({{ $k }} in {{ $reach.harmless_device_keys | toJson }})
  && !{{ include "compute-gatekeeper.anyPrefix" (list $k $reach.harmless_device_prefixes) }})
{{- end }}

{{/* (list reach "k"): the annotation k makes some runtime or scheduler give out a device. */}}
{{- define "compute-gatekeeper.deviceAnnotation" -}}
{{- $reach := index . 0 -}}{{- $k := index . 1 -}}
{{- $tests := list (include "compute-gatekeeper.anyPrefix" (list $k $reach.device_annotation_prefixes)) -}}
{{- range $reach.device_annotation_infixes -}}{{- $tests = append $tests (printf "%s.contains(%s)" $k (. | toJson)) -}}{{- end -}}
({{ $tests | join " || " }})
{{- end }}

{{/* (list reach "e"): the environment variable e makes a container runtime give out devices. */}}
{{- define "compute-gatekeeper.deviceEnv" -}}
{{- $reach := index . 0 -}}{{- $e := index . 1 -}}
{{- $tests := list -}}
{{- range $reach.device_env_suffixes -}}{{- $tests = append $tests (printf "%s.name.endsWith(%s)" $e (. | toJson)) -}}{{- end -}}
(({{ $tests | join " || " | default "false" }}) && !({{ $e }}.?value.orValue("") in {{ $reach.device_env_harmless_values | toJson }})
  || {{ $e }}.name in {{ $reach.device_env_names | toJson }})
{{- end }}

{{/* (list reach "c"): the container c asks. Ephemeral containers have no resources, but the rest. */}}
{{- define "compute-gatekeeper.containerAsks" -}}
{{- $reach := index . 0 -}}{{- $c := index . 1 -}}
({{ $c }}.?resources.?limits.orValue({}).exists(k, {{ include "compute-gatekeeper.deviceKey" (list $reach "k") }})
  || {{ $c }}.?resources.?requests.orValue({}).exists(k, {{ include "compute-gatekeeper.deviceKey" (list $reach "k") }})
  || {{ $c }}.?env.orValue([]).exists(e, {{ include "compute-gatekeeper.deviceEnv" (list $reach "e") }}))
{{- end }}

{{/* (list reach "c"): the container c can leave its walls. Runtimes take capabilities in any case, and with the
     kernel's prefix too, so both are taken off before the comparison. */}}
{{- define "compute-gatekeeper.containerHasHost" -}}
{{- $reach := index . 0 -}}{{- $c := index . 1 -}}
({{ $c }}.?securityContext.?privileged.orValue(false)
  || {{ $c }}.?securityContext.?capabilities.?add.orValue([]).exists(x,
    x.upperAscii().replace("CAP_", "") in {{ $reach.dangerous_capabilities | toJson }})
  || {{ $c }}.?securityContext.?windowsOptions.?hostProcess.orValue(false))
{{- end }}

{{/* --- Pods: what they are ---------------------------------------------------------------------------- */}}

{{/* The pod asks for an accelerator: it needs budget and a lease. */}}
{{- define "compute-gatekeeper.asks" -}}
{{- $reach := include "compute-gatekeeper.reach" (index . 0) | fromYaml -}}{{- $pod := index . 1 -}}
({{ $pod }}.spec.?resourceClaims.orValue([]).size() > 0
  || {{ $pod }}.metadata.?annotations.orValue({}).exists(k, {{ include "compute-gatekeeper.deviceAnnotation" (list $reach "k") }})
  || {{ include "compute-gatekeeper.containers" $pod }}.exists(c, {{ include "compute-gatekeeper.containerAsks" (list $reach "c") }}))
{{- end }}

{{/* The pod can act on its node: reach devices, and the kubelet that is to end it. */}}
{{- define "compute-gatekeeper.hasHost" -}}
{{- $reach := include "compute-gatekeeper.reach" (index . 0) | fromYaml -}}{{- $pod := index . 1 -}}
({{ $pod }}.spec.?hostPID.orValue(false)
  || {{ $pod }}.spec.?volumes.orValue([]).exists(v, has(v.hostPath))
  || {{ $pod }}.spec.?securityContext.?windowsOptions.?hostProcess.orValue(false)
  || {{ include "compute-gatekeeper.containers" $pod }}.exists(c, {{ include "compute-gatekeeper.containerHasHost" (list $reach "c") }}))
{{- end }}

{{/* The pod could reach an accelerator without asking: by the host, or by where and how it is run. nodeName counts
     at creation only: later every pod has one. */}}
{{- define "compute-gatekeeper.couldReach" -}}
{{- $reach := include "compute-gatekeeper.reach" (index . 0) | fromYaml -}}{{- $pod := index . 1 -}}
({{ include "compute-gatekeeper.hasHost" . }}
  || request.operation == "CREATE" && {{ $pod }}.spec.?nodeName.orValue("") != ""
  || !({{ $pod }}.spec.?runtimeClassName.orValue("") in {{ append $reach.harmless_runtime_classes "" | toJson }})
  || {{ $pod }}.spec.?tolerations.orValue([]).exists(t, t.?key.orValue("") in {{ append $reach.accelerator_toleration_keys "" | toJson }}))
{{- end }}

{{/* What the gate is for. */}}
{{- define "compute-gatekeeper.accelerator" -}}
({{ include "compute-gatekeeper.asks" . }}
  || {{ include "compute-gatekeeper.couldReach" . }})
{{- end }}

{{/* Every way to place the pod leads away from accelerator nodes. Terms are alternatives, so each must say so. */}}
{{- define "compute-gatekeeper.steeredAway" -}}
{{- $terms := printf "%s.spec.?affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms.orValue([])" (index . 1) -}}
({{ $terms }}.size() > 0 && {{ $terms }}.all(t, t.?matchExpressions.orValue([]).exists(e,
  e.key == {{ include "compute-gatekeeper.nodeLabel" (index . 0) | toJson }} && e.operator == "DoesNotExist")))
{{- end }}

{{/* --- Maps ------------------------------------------------------------------------------------------- */}}

{{/* (list "new" "old" "condition on k"): two maps agree on every key that the condition names. */}}
{{- define "compute-gatekeeper.sameWhere" -}}
{{- $new := index . 0 -}}{{- $old := index . 1 -}}{{- $where := index . 2 -}}
({{ $new }}.all(k, !{{ $where }} || k in {{ $old }} && {{ $old }}[k] == {{ $new }}[k])
  && {{ $old }}.all(k, !{{ $where }} || k in {{ $new }}))
{{- end }}

{{/* The variables `annotations` and `oldAnnotations`, for policies on UPDATE. */}}
{{- define "compute-gatekeeper.annotationVariables" -}}
- name: annotations
  expression: object.metadata.?annotations.orValue({})
- name: oldAnnotations
  expression: oldObject.metadata.?annotations.orValue({})
{{- end }}
