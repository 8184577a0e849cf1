{{- define "idflow.image" -}}
{{ .Values.image | default (printf "ghcr.io/idflow/idflow:%s" .Chart.AppVersion) }}
{{- end }}

{{- define "idflow.labels" -}}
app.kubernetes.io/name: idflow-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
