"""From requests to tokens to watts: models, serving configurations, queues, routing, pools."""
